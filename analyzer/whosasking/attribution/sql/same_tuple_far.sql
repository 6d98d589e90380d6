-- For the reason why a lookup is open: the socket of its tuple that is nearest in time, however far. Where the host's
-- clock could not be aligned `apart` is NULL, and any socket of the tuple stands.
WITH seen AS (
    SELECT f.n AS lookup, s.process, s.timeline, s.n AS socket, s.ts AS own, f.ts - s.seen_at AS apart
    FROM lookup AS l
    JOIN either_way AS f ON f.n = l.n
    JOIN socket_all AS s
        ON s.local_ip = f.local_ip
        AND s.local_port = f.local_port
        AND s.remote_ip = f.remote_ip
        AND s.remote_port = f.remote_port
        AND s.protocol = coalesce(f.protocol, s.protocol)
),
ranked AS (
    SELECT
        lookup, process, timeline, apart, socket, own,
        row_number() OVER (PARTITION BY lookup ORDER BY coalesce(abs(apart), $unknown), socket) AS place
    FROM seen
)
SELECT lookup, process, timeline, apart, socket, 'tuple' AS evidence, own
FROM ranked
WHERE place = 1
ORDER BY lookup
