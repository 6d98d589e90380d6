-- Rung 2, where the product samples or caps: other connections of the host to the same server and port around then.
-- `before and after`: the process used the server on both sides of the lookup, so it was running and using it.
WITH used AS (
    SELECT l.n AS lookup, s.process, s.timeline, s.n AS socket, s.ts AS own, l.ts - s.seen_at AS apart
    FROM lookup AS l
    JOIN socket_at AS s
        ON s.host = l.host
        AND s.remote_ip = l.dst_ip
        AND s.remote_port = l.dst_port
        AND s.protocol = coalesce(l.protocol, s.protocol)
    WHERE s.outbound IS NOT FALSE AND abs(l.ts - s.seen_at) <= $reach
),
ranked AS (
    SELECT
        lookup, process, timeline, socket, own, apart,
        max(apart) OVER (PARTITION BY lookup, process, timeline) AS latest,
        min(apart) OVER (PARTITION BY lookup, process, timeline) AS earliest,
        row_number() OVER (PARTITION BY lookup, process, timeline ORDER BY abs(apart), socket) AS place
    FROM used
)
SELECT
    lookup, process, timeline, apart, socket,
    CASE WHEN latest >= 0 AND earliest < 0 THEN 'before and after' ELSE 'one side' END AS evidence, own
FROM ranked
WHERE place = 1
ORDER BY lookup, abs(apart), process, timeline
