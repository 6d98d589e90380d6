-- For connections to DNS servers, which a system's own DNS client makes for others: the one process that asked for the
-- name then, by the endpoint's DNS events.
SELECT c.rowid AS n, min(q.process) AS process
FROM conn AS c
JOIN host_address AS h ON h.ip = c.src_ip
JOIN name_query_at AS q ON q.host = h.host AND q.name = c.server
WHERE
    c.rowid >= $first AND c.rowid < $last AND c.dst_port = 53
    AND NOT q.resolver
    AND q.seen_at - c.ts BETWEEN -$jitter AND $reach
    AND NOT EXISTS (SELECT 1 FROM nobody AS u WHERE u.nobody = q.process)
GROUP BY c.rowid
HAVING min(q.process) = max(q.process)
