-- The same for products that record no local port: connections of a host to one server and port. `port` stands for the
-- server; only several of them at one distance prove anything.
WITH portless AS (
    SELECT
        s.timeline, s.protocol, s.ts, s.remote_ip, s.remote_port, h.ip,
        count(*) OVER (PARTITION BY s.timeline, s.protocol, s.remote_ip, s.remote_port, h.ip) AS times
    FROM socket AS s
    JOIN host_address AS h ON h.host = s.host
    WHERE s.local_port IS NULL AND s.outbound IS NOT FALSE
),
server AS (
    SELECT remote_ip, remote_port, row_number() OVER (ORDER BY remote_ip, remote_port) AS number
    FROM (SELECT DISTINCT remote_ip, remote_port FROM portless) AS every
),
counted_flow AS (
    SELECT
        ts, protocol, src_ip, dst_ip, dst_port,
        count(*) OVER (PARTITION BY protocol, src_ip, dst_ip, dst_port) AS times
    FROM flow
),
rare_flow AS (
    SELECT DISTINCT ts, protocol, src_ip, dst_ip, dst_port
    FROM counted_flow
    WHERE times <= $most_per_tuple
)
SELECT DISTINCT s.timeline AS timeline, f.ts - s.ts AS difference, n.number AS port, f.ts AS ts
FROM portless AS s
JOIN server AS n ON n.remote_ip = s.remote_ip AND n.remote_port = s.remote_port
JOIN rare_flow AS f
    ON f.src_ip = s.ip
    AND f.dst_ip = s.remote_ip
    AND f.dst_port = s.remote_port
    AND s.protocol = coalesce(f.protocol, s.protocol)
WHERE s.times <= $most_per_tuple
ORDER BY timeline, difference, port, ts
