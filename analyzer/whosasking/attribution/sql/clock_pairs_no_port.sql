-- The same for products that record no local port: connections of a host to one server and port. `port` stands for the
-- server; only several of them at one distance prove anything.
WITH portless AS (
    SELECT
        s.timeline, s.protocol, s.ts, s.remote_ip, s.remote_port, h.ip,
        dense_rank() OVER (ORDER BY s.remote_ip, s.remote_port) AS server
    FROM socket AS s
    JOIN host_address AS h USING (host)
    WHERE s.local_port IS NULL AND s.outbound IS NOT FALSE
    QUALIFY count(*) OVER (PARTITION BY s.timeline, s.protocol, s.remote_ip, s.remote_port, h.ip) <= $most_per_tuple
),
rare_flow AS (
    SELECT DISTINCT ts, protocol, src_ip, dst_ip, dst_port
    FROM flow
    QUALIFY count(*) OVER (PARTITION BY protocol, src_ip, dst_ip, dst_port) <= $most_per_tuple
)
SELECT DISTINCT s.timeline, f.ts - s.ts AS difference, s.server AS port
FROM portless AS s
JOIN rare_flow AS f
    ON f.src_ip = s.ip
    AND f.dst_ip = s.remote_ip
    AND f.dst_port = s.remote_port
    AND s.protocol = coalesce(f.protocol, s.protocol)
ORDER BY ALL
