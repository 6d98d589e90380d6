-- As `clock_pairs`, for more events than are needed: about $wanted of each timeline, by chance, so that they lie all over
-- its time. Nothing here holds more than those.
WITH every AS (
    SELECT timeline, greatest(count(*) // $wanted, 1) AS nth
    FROM socket
    WHERE local_port IS NOT NULL AND local_ip IS NOT NULL AND protocol <> 'other'
    GROUP BY timeline
),
anchor AS (
    SELECT
        s.n, s.timeline, s.protocol, s.ts, s.local_ip, s.local_port, s.remote_ip, s.remote_port,
        CASE s.outbound
            WHEN TRUE THEN s.local_port
            WHEN FALSE THEN s.remote_port
            ELSE greatest(s.local_port, s.remote_port)
        END AS port
    FROM socket AS s
    JOIN every AS e USING (timeline)
    WHERE
        s.local_port IS NOT NULL AND s.local_ip IS NOT NULL AND s.local_port <> s.remote_port
        AND s.protocol <> 'other' AND hash(s.n) % e.nth = 0
),
pair AS (
    SELECT a.n, a.timeline, a.protocol, f.ts - a.ts AS difference, a.port, f.ts
    FROM flow AS f
    JOIN anchor AS a
        ON a.local_ip = f.src_ip
        AND a.local_port = f.src_port
        AND a.remote_ip = f.dst_ip
        AND a.remote_port = f.dst_port
        AND a.protocol = f.protocol
    WHERE a.port >= $ephemeral
    UNION ALL
    SELECT a.n, a.timeline, a.protocol, f.ts - a.ts, a.port, f.ts
    FROM flow AS f
    JOIN anchor AS a
        ON a.local_ip = f.dst_ip
        AND a.local_port = f.dst_port
        AND a.remote_ip = f.src_ip
        AND a.remote_port = f.src_port
        AND a.protocol = f.protocol
    WHERE a.port >= $ephemeral
)
SELECT timeline, protocol, difference, port, ts
FROM pair
QUALIFY count(*) OVER (PARTITION BY n) <= $most_per_tuple
ORDER BY ALL
