-- Rung 1 for a stretch of connections at once, where it is beyond doubt: every event on the tuple near enough is of one
-- known process. The events of the host that opened the connection count before those of the host that answered it.
-- Whatever is not here goes down the ladder one by one. The windows are those of `choose_by_tuple`.
WITH near AS (
    SELECT f.n, f.originator, s.process, s.timeline, s.record, s.ts AS own, f.ts - s.seen_at AS apart
    FROM either_way AS f
    JOIN socket_at AS s
        ON s.local_ip = f.local_ip
        AND s.local_port = f.local_port
        AND s.remote_ip = f.remote_ip
        AND s.remote_port = f.remote_port
        AND s.protocol = f.protocol
    WHERE f.n IS NOT NULL AND CASE
        WHEN f.local_port = f.remote_port THEN abs(f.ts - s.seen_at) <= $tells_apart
        WHEN f.protocol = 'udp' THEN abs(f.ts - s.seen_at) <= $udp
        ELSE f.ts - s.seen_at BETWEEN -$tcp AND $too_soon
    END
),
one AS (
    SELECT
        n, originator,
        min(process) AS process,
        max(process) AS other,
        min_by({'timeline': timeline, 'record': record, 'own': own, 'apart': apart}, abs(apart)) AS nearest,
        bool_or(u.nobody IS NOT NULL) AS unknown
    FROM near
    LEFT JOIN nobody AS u ON u.nobody = near.process
    GROUP BY n, originator
)
SELECT
    o.n, o.process, o.nearest.timeline AS timeline, o.nearest.apart AS apart, o.nearest.record AS record,
    o.nearest.own AS own, o.originator
FROM one AS o
LEFT JOIN assumed AS a ON a.timeline = o.nearest.timeline
WHERE
    o.process = o.other AND NOT o.unknown
    AND (a.timeline IS NULL OR abs(o.nearest.apart) <= $assumed_reach)
    AND (o.originator OR NOT EXISTS (SELECT 1 FROM one AS p WHERE p.n = o.n AND p.originator))
ORDER BY o.n
