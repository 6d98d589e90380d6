-- Rung 1 where the sensor gives a Community ID but no whole tuple: sockets of that id, nearest first.
WITH near AS (
    SELECT l.lookup, s.process, s.timeline, l.ts - (s.ts + c.network) AS apart, s.n AS socket
    FROM lookup_id AS l
    JOIN socket_id AS i ON i.community_id = l.community_id
    JOIN socket AS s ON s.n = i.socket
    JOIN clock AS c ON c.timeline = s.timeline
    WHERE l.ts - (s.ts + c.network) BETWEEN -$reach AND $reach
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
