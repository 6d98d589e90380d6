-- For connections to DNS servers, which a system's own DNS client makes for others: the one process that asked for the
-- name then, by the endpoint's DNS events.
SELECT t.n, min(q.process) AS process
FROM (SELECT n, server FROM told WHERE n >= $first AND n < $last) AS t
JOIN conn AS c ON c.rowid = t.n
JOIN host_address AS h ON h.ip = c.src_ip
JOIN name_query_at AS q ON q.host = h.host AND q.name = t.server
WHERE
    c.rowid >= $first AND c.rowid < $last AND c.dst_port = 53
    AND NOT q.resolver
    AND q.seen_at - c.ts BETWEEN -$jitter AND $reach
    AND NOT EXISTS (SELECT 1 FROM nobody AS u WHERE u.nobody = q.process)
GROUP BY t.n
HAVING min(q.process) = max(q.process)
