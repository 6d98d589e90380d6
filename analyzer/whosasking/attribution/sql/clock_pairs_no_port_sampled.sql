-- As `clock_pairs_no_port`, for more events than are needed; see `clock_pairs_sampled`.
WITH every AS (
    SELECT timeline, greatest(count(*) // $wanted, 1) AS nth
    FROM socket
    WHERE local_port IS NULL AND outbound IS NOT FALSE
    GROUP BY timeline
),
anchor AS (
    SELECT s.n, s.timeline, s.protocol, s.ts, s.remote_ip, s.remote_port, h.ip
    FROM socket AS s
    JOIN every AS e USING (timeline)
    JOIN host_address AS h ON h.host = s.host
    WHERE s.local_port IS NULL AND s.outbound IS NOT FALSE AND hash(s.n) % e.nth = 0
),
pair AS (
    SELECT a.n, a.timeline, f.ts - a.ts AS difference, hash(a.remote_ip, a.remote_port) % 1000000007 AS port, f.ts
    FROM flow AS f
    JOIN anchor AS a
        ON a.ip = f.src_ip
        AND a.remote_ip = f.dst_ip
        AND a.remote_port = f.dst_port
        AND a.protocol = f.protocol
    WHERE abs(f.ts - a.ts) <= $farthest
)
SELECT timeline, difference, port, ts
FROM pair
QUALIFY count(*) OVER (PARTITION BY n) <= $most_per_tuple
ORDER BY ALL
