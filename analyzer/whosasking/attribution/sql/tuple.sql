-- Rung 1: sockets with the lookup's own tuple, nearest first. `apart` is the lookup's time minus the socket's, both on
-- the sensor's clock.
WITH near AS (
    SELECT f.n AS lookup, s.process, s.timeline, f.ts - (s.ts + c.network) AS apart, s.n AS socket
    FROM either_way AS f
    JOIN socket AS s
        ON s.local_ip = f.local_ip
        AND s.local_port = f.local_port
        AND s.remote_ip = f.remote_ip
        AND s.remote_port = f.remote_port
        AND s.protocol = coalesce(f.protocol, s.protocol)
    JOIN clock AS c ON c.timeline = s.timeline
    WHERE f.n IS NOT NULL AND f.ts - (s.ts + c.network) BETWEEN -$reach AND $reach
),
ranked AS (
    SELECT
        lookup, process, timeline, apart, socket,
        row_number() OVER (PARTITION BY lookup ORDER BY abs(apart), socket) AS place
    FROM near
)
SELECT lookup, process, timeline, apart, socket, 'tuple' AS evidence
FROM ranked
WHERE place <= $most
ORDER BY lookup, abs(apart), socket
