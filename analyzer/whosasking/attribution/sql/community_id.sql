-- Rung 1 where the sensor gives a Community ID but no whole tuple: sockets of that id, nearest first.
SELECT l.lookup, s.process, s.timeline, l.ts - (s.ts + c.network) AS apart, s.n AS socket, 'tuple' AS evidence
FROM lookup_id AS l
JOIN socket_id AS i ON i.community_id = l.community_id
JOIN socket AS s ON s.n = i.socket
JOIN clock AS c USING (timeline)
WHERE l.ts - (s.ts + c.network) BETWEEN -$reach AND $reach
QUALIFY row_number() OVER (PARTITION BY l.lookup ORDER BY abs(apart), s.n) <= $most
ORDER BY lookup, abs(apart), socket
