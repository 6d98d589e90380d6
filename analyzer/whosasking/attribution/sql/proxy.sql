-- Through a proxy: the endpoint names the server it wanted, though the addresses on the wire are the proxy's. Either
-- the client of the wire connection is the proxy that the host spoke to, or the host is known and only its address of
-- the server differs.
WITH near AS (
    SELECT l.n AS lookup, s.process, s.timeline, l.ts - s.seen_at AS apart, s.n AS socket, s.ts AS own
    FROM lookup AS l
    JOIN socket_at AS s ON s.remote_name = l.server AND s.protocol = coalesce(l.protocol, s.protocol)
    LEFT JOIN lookup_host AS h ON h.lookup = l.n
    WHERE
        s.outbound IS NOT FALSE
        AND l.ts - s.seen_at BETWEEN -$jitter AND $reach
        AND (s.remote_ip = l.src_ip OR s.host = h.host)
        AND s.remote_ip <> l.dst_ip
),
ranked AS (
    SELECT
        lookup, process, timeline, apart, socket, own,
        row_number() OVER (PARTITION BY lookup ORDER BY abs(apart), socket) AS place
    FROM near
)
SELECT lookup, process, timeline, apart, socket, 'proxy' AS evidence, own
FROM ranked
WHERE place <= $most
ORDER BY lookup, abs(apart), socket
