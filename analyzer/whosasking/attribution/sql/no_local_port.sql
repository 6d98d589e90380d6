-- Rung 2: the tuple without the local port, for products that do not record it. An event is of one connection: it counts
-- only for the one it is nearest to, of all that this client made to that server and port. Connections that began
-- within $jitter of each other cannot be told apart by that; then it counts for each.
WITH near AS (
    SELECT
        l.n AS lookup, s.process, s.timeline, l.ts - s.seen_at AS apart, s.n AS socket, s.ts AS own, s.seen_at,
        l.src_ip, l.src_port, l.dst_ip, l.dst_port, l.protocol
    FROM lookup AS l
    JOIN socket_at AS s
        ON s.host = l.host
        AND s.remote_ip = l.dst_ip
        AND s.remote_port = l.dst_port
        AND s.protocol = coalesce(l.protocol, s.protocol)
    WHERE s.local_port IS NULL AND s.outbound IS NOT FALSE AND abs(l.ts - s.seen_at) <= $reach
),
other AS (
    SELECT DISTINCT n.lookup, n.socket, n.own
    FROM near AS n
    JOIN flow AS f
        ON f.src_ip = n.src_ip
        AND f.dst_ip = n.dst_ip
        AND f.dst_port = n.dst_port
        AND coalesce(f.protocol, 'tcp') = coalesce(n.protocol, 'tcp')
    WHERE f.src_port <> n.src_port AND abs(f.ts - n.seen_at) < abs(n.apart) - $jitter
),
ranked AS (
    SELECT
        n.lookup, n.process, n.timeline, n.apart, n.socket, n.own,
        row_number() OVER (PARTITION BY n.lookup ORDER BY abs(n.apart), n.socket) AS place
    FROM near AS n
    LEFT JOIN other AS o ON o.lookup = n.lookup AND o.socket = n.socket AND o.own = n.own
    WHERE o.lookup IS NULL
)
SELECT lookup, process, timeline, apart, socket, 'no port' AS evidence, own
FROM ranked
WHERE place <= $most
ORDER BY lookup, abs(apart), socket
