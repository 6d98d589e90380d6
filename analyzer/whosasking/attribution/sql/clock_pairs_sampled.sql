-- As `clock_pairs`, for more events than are needed: of each timeline one event for each 300th of its time.
WITH span AS (
    SELECT timeline, min(ts) AS first, greatest(max(ts) - min(ts), 1) AS length
    FROM socket
    GROUP BY timeline
),
candidate AS (
    SELECT
        s.timeline, s.protocol, s.ts, s.local_ip, s.local_port, s.remote_ip, s.remote_port,
        CASE s.outbound
            WHEN TRUE THEN s.local_port
            WHEN FALSE THEN s.remote_port
            ELSE greatest(s.local_port, s.remote_port)
        END AS port,
        (s.ts - p.first) * 300 // p.length AS part
    FROM socket AS s
    JOIN span AS p USING (timeline)
    WHERE s.local_port IS NOT NULL AND s.local_ip IS NOT NULL AND s.local_port <> s.remote_port
),
anchor AS (
    SELECT
        timeline, protocol, part,
        unnest(min_by({
            'ts': ts, 'local_ip': local_ip, 'local_port': local_port,
            'remote_ip': remote_ip, 'remote_port': remote_port, 'port': port
        }, hash(local_port, ts), 2)) AS e
    FROM candidate
    WHERE port >= $ephemeral AND protocol <> 'other'
    GROUP BY timeline, protocol, part
),
pair AS (
    SELECT a.timeline, a.protocol, f.ts - a.e.ts AS difference, a.e.port AS port, f.ts, a.part, a.e.ts AS own
    FROM anchor AS a
    JOIN either_way AS f
        ON a.e.local_ip = f.local_ip
        AND a.e.local_port = f.local_port
        AND a.e.remote_ip = f.remote_ip
        AND a.e.remote_port = f.remote_port
        AND a.protocol = f.protocol
    QUALIFY count(*) OVER (PARTITION BY a.timeline, a.protocol, a.e.port, a.e.ts) <= $most_per_tuple
)
SELECT timeline, protocol, difference, port, ts
FROM pair
ORDER BY ALL
