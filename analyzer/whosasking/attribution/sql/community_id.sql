-- Rung 1 where the sensor gives a Community ID but no whole tuple: sockets of that id, nearest first.
WITH near AS (
    SELECT l.lookup, s.process, s.timeline, l.ts - s.seen_at AS apart, s.n AS socket, s.ts AS own
    FROM lookup_id AS l
    JOIN socket_id AS i ON i.community_id = l.community_id
    JOIN socket_at AS s ON s.n = i.socket
    WHERE l.ts - s.seen_at BETWEEN -$reach AND $reach
),
ranked AS (
    SELECT
        lookup, process, timeline, apart, socket, own,
        row_number() OVER (PARTITION BY lookup ORDER BY abs(apart), socket) AS place
    FROM near
)
SELECT lookup, process, timeline, apart, socket, 'tuple' AS evidence, own
FROM ranked
WHERE place <= $most
ORDER BY lookup, abs(apart), socket
