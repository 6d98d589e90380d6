-- Rung 2: the tuple without the local port, for products that do not record it.
WITH near AS (
    SELECT l.n AS lookup, s.process, s.timeline, l.ts - s.seen_at AS apart, s.n AS socket, s.ts AS own
    FROM lookup AS l
    JOIN lookup_host AS h ON h.lookup = l.n
    JOIN socket_at AS s
        ON s.host = h.host
        AND s.remote_ip = l.dst_ip
        AND s.remote_port = l.dst_port
        AND s.protocol = coalesce(l.protocol, s.protocol)
    WHERE s.local_port IS NULL AND s.outbound IS NOT FALSE AND abs(l.ts - s.seen_at) <= $reach
),
ranked AS (
    SELECT
        lookup, process, timeline, apart, socket, own,
        row_number() OVER (PARTITION BY lookup ORDER BY abs(apart), socket) AS place
    FROM near
)
SELECT lookup, process, timeline, apart, socket, 'no port' AS evidence, own
FROM ranked
WHERE place <= $most
ORDER BY lookup, abs(apart), socket
