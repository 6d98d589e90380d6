-- Rung 1: sockets with the lookup's own tuple, nearest first. `apart` is the lookup's time minus the socket's, both on
-- the sensor's clock. `other end`: the host answered the connection.
WITH near AS (
    SELECT
        f.n AS lookup, s.process, s.timeline, f.ts - s.seen_at AS apart, s.n AS socket, s.ts AS own, f.originator
    FROM either_way AS f
    JOIN socket_at AS s
        ON s.local_ip = f.local_ip
        AND s.local_port = f.local_port
        AND s.remote_ip = f.remote_ip
        AND s.remote_port = f.remote_port
        AND s.protocol = coalesce(f.protocol, s.protocol)
    WHERE f.n IS NOT NULL AND f.ts - s.seen_at BETWEEN -$reach AND $reach
),
ranked AS (
    SELECT
        lookup, process, timeline, apart, socket, own, originator,
        row_number() OVER (PARTITION BY lookup ORDER BY abs(apart), socket, originator DESC) AS place
    FROM near
)
SELECT
    lookup, process, timeline, apart, socket,
    CASE WHEN originator THEN 'tuple' ELSE 'tuple, other end' END AS evidence, own
FROM ranked
WHERE place <= $most
ORDER BY lookup, abs(apart), socket, evidence
