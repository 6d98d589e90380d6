-- Through a proxy: the endpoint names the server it wanted, though the addresses on the wire are the proxy's. Either
-- the client of the wire connection is the proxy that the host spoke to, or the host is known and only its address of
-- the server differs. An event that is nearer to another connection from there to the server is of that one.
WITH near AS (
    SELECT
        l.n AS lookup, s.process, s.timeline, l.ts - s.seen_at AS apart, s.n AS socket, s.ts AS own, s.seen_at,
        l.src_ip, l.src_port, l.dst_ip, l.dst_port
    FROM lookup AS l
    JOIN socket_at AS s ON s.remote_name = l.server AND s.protocol = coalesce(l.protocol, s.protocol)
    LEFT JOIN lookup_host AS h ON h.lookup = l.n
    WHERE
        s.outbound IS NOT FALSE
        AND l.ts - s.seen_at BETWEEN -$jitter AND $reach
        AND (s.remote_ip = l.src_ip OR s.host = h.host)
        AND s.remote_ip <> l.dst_ip
),
other AS (
    SELECT DISTINCT n.lookup, n.socket, n.own
    FROM near AS n
    JOIN flow AS f ON f.src_ip = n.src_ip AND f.dst_ip = n.dst_ip AND f.dst_port = n.dst_port
    WHERE f.src_port <> n.src_port AND abs(f.ts - n.seen_at) < abs(n.apart) - $told_apart
),
ranked AS (
    SELECT
        n.lookup, n.process, n.timeline, n.apart, n.socket, n.own,
        row_number() OVER (PARTITION BY n.lookup ORDER BY abs(n.apart), n.socket) AS place
    FROM near AS n
    LEFT JOIN other AS o ON o.lookup = n.lookup AND o.socket = n.socket AND o.own = n.own
    WHERE o.lookup IS NULL
)
SELECT lookup, process, timeline, apart, socket, 'proxy' AS evidence, own
FROM ranked
WHERE place <= $most
ORDER BY lookup, abs(apart), socket
