-- Rung 2, where the product samples or caps: other connections of the host to the same server and port around then.
-- `before and after`: the process used the server on both sides of the lookup, so it was running and using it.
WITH used AS (
    SELECT l.n AS lookup, s.process, s.timeline, s.n AS socket, l.ts - (s.ts + c.network) AS apart
    FROM lookup AS l
    JOIN lookup_host AS h ON h.lookup = l.n
    JOIN socket AS s
        ON s.host = h.host
        AND s.remote_ip = l.dst_ip
        AND s.remote_port = l.dst_port
        AND s.protocol = coalesce(l.protocol, s.protocol)
    JOIN clock AS c USING (timeline)
    WHERE s.outbound IS NOT FALSE AND abs(l.ts - (s.ts + c.network)) <= $reach
)
SELECT
    lookup, process, timeline, arg_min(apart, abs(apart)) AS nearest, arg_min(socket, abs(apart)) AS socket,
    CASE WHEN max(apart) >= 0 AND min(apart) < 0 THEN 'before and after' ELSE 'one side' END AS evidence
FROM used
GROUP BY lookup, process, timeline
ORDER BY lookup, abs(nearest), process
