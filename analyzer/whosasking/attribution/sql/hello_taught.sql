-- What all exact matches agree on: the ClientHellos that one program alone sent, on each host and on the whole site. One
-- part of all: some programs send another each time.
INSERT INTO hello
WITH seen AS (
    SELECT t.ja3, p.host, p.program, count(*) AS times
    FROM decided AS d
    JOIN (SELECT n, ja3 FROM told WHERE ja3 IS NOT NULL AND hash(ja3) % $parts = $part) AS t ON t.n = d.n
    JOIN program AS p ON p.process = d.process
    GROUP BY ALL
)
SELECT ja3, host, min(program) AS program
FROM seen
GROUP BY ja3, host
HAVING min(program) = max(program) AND sum(times) >= $hellos
UNION ALL
SELECT ja3, NULL, min(program)
FROM seen
GROUP BY ja3
HAVING min(program) = max(program) AND sum(times) >= $hellos
