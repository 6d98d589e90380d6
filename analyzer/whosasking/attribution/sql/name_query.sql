-- Rung 3: who resolved the server's name just before. An answer that leads elsewhere speaks against a query. Where the
-- server's name is hidden, an answer that led to its address speaks for one, but only moments before and only in
-- public: an internal server's address serves many names and many processes.
SELECT
    l.n AS lookup, q.process, q.timeline, l.ts - (q.ts + c.network) AS apart, NULL AS socket,
    CASE WHEN q.resolver THEN 'resolver' ELSE 'name' END AS evidence
FROM lookup AS l
JOIN lookup_host AS h ON h.lookup = l.n
JOIN name_query AS q ON q.host = h.host
JOIN clock AS c USING (timeline)
WHERE
    (q.name = l.server OR (l.server IS NULL AND l.public))
    AND l.ts - (q.ts + c.network) BETWEEN -$jitter AND CASE WHEN l.server IS NULL THEN $near ELSE $reach END
    AND (
        EXISTS (SELECT 1 FROM answer AS a WHERE a.query = q.n AND a.ip = l.dst_ip)
        OR (q.name = l.server AND NOT q.answered)
    )
QUALIFY row_number() OVER (PARTITION BY l.n, q.process ORDER BY abs(apart), q.n) = 1
ORDER BY lookup, abs(apart), q.n
