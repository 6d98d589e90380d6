-- Who used a contested address, and when: runs of events of one host, not interrupted by another host's.
WITH event AS (
    SELECT s.local_ip, s.host, s.seen_at
    FROM socket_all AS s
    JOIN contested AS c ON c.ip = s.local_ip
    WHERE s.seen_at IS NOT NULL
),
turn AS (
    SELECT
        local_ip, host, seen_at,
        lag(host, 1, -1) OVER (PARTITION BY local_ip ORDER BY seen_at, host) AS before
    FROM event
),
run AS (
    SELECT
        local_ip, host, seen_at,
        sum(CASE WHEN host = before THEN 0 ELSE 1 END) OVER (PARTITION BY local_ip ORDER BY seen_at, host) AS number
    FROM turn
)
SELECT local_ip, host, min(seen_at) AS since, max(seen_at) AS until
FROM run
GROUP BY local_ip, host, number
ORDER BY local_ip, since, host
