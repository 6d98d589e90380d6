-- Rung 3 where a resolver asked for somebody: processes that spoke to a DNS port of the host's resolver just before it
-- resolved the server's name.
WITH resolved AS (
    SELECT l.n AS lookup, l.ts, l.dst_ip, h.host, q.n AS query, q.process AS resolver, q.seen_at, q.answered
    FROM lookup AS l
    JOIN lookup_host AS h ON h.lookup = l.n
    JOIN name_query_at AS q ON q.host = h.host AND q.name = l.server
    WHERE q.resolver AND l.ts - q.seen_at BETWEEN -$jitter AND $reach
),
fitting AS (
    SELECT r.lookup, r.ts, r.host, r.resolver, r.seen_at
    FROM resolved AS r
    LEFT JOIN (SELECT DISTINCT query, ip FROM answer) AS a ON a.query = r.query AND a.ip = r.dst_ip
    WHERE a.ip IS NOT NULL OR NOT r.answered
),
ranked AS (
    SELECT
        f.lookup, s.process, s.timeline, f.ts - s.seen_at AS apart, s.n AS socket, s.ts AS own,
        row_number() OVER (PARTITION BY f.lookup, s.process ORDER BY abs(f.seen_at - s.seen_at), s.n) AS place
    FROM fitting AS f
    JOIN socket_at AS s ON s.host = f.host AND s.remote_port = 53 AND s.process <> f.resolver
    WHERE f.seen_at - s.seen_at BETWEEN -$jitter AND $near AND s.outbound IS NOT FALSE
)
SELECT lookup, process, timeline, apart, socket, 'via resolver' AS evidence, own
FROM ranked
WHERE place = 1
ORDER BY lookup, abs(apart), socket
