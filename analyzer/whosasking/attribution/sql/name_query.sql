-- Rung 3: who resolved the server's name just before. An answer that leads elsewhere speaks against a query. Where the
-- server's name is hidden, an answer that led to its address speaks for one, but only moments before and only in
-- public: an internal server's address serves many names and many processes.
WITH asked AS (
    SELECT
        l.n AS lookup, q.n AS query, q.process, q.timeline, q.resolver, q.ts AS own,
        l.ts - q.seen_at AS apart,
        q.name = l.server AND NOT q.answered AS unanswered, l.dst_ip
    FROM lookup AS l
    JOIN lookup_host AS h ON h.lookup = l.n
    JOIN name_query_at AS q ON q.host = h.host
    WHERE
        (q.name = l.server OR (l.server IS NULL AND l.public))
        AND l.ts - q.seen_at BETWEEN -$jitter AND CASE WHEN l.server IS NULL THEN $near ELSE $reach END
),
fitting AS (
    SELECT asked.lookup, asked.query, asked.process, asked.timeline, asked.resolver, asked.apart, asked.own
    FROM asked
    LEFT JOIN (SELECT DISTINCT query, ip FROM answer) AS a ON a.query = asked.query AND a.ip = asked.dst_ip
    WHERE a.ip IS NOT NULL OR asked.unanswered
),
ranked AS (
    SELECT
        lookup, query, process, timeline, resolver, apart, own,
        row_number() OVER (PARTITION BY lookup, process ORDER BY abs(apart), query) AS place
    FROM fitting
)
SELECT
    lookup, process, timeline, apart, CAST(NULL AS BIGINT) AS socket,
    CASE WHEN resolver THEN 'resolver' ELSE 'name' END AS evidence, own
FROM ranked
WHERE place = 1
ORDER BY lookup, abs(apart), query
