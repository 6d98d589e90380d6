-- Every way a wire connection and a socket could be one: equal tuple, either orientation, at any distance in time.
-- A tuple seen many times comes from a fixed port and says nothing; leaving it out bounds the join.
WITH counted_socket AS (
    SELECT
        timeline, protocol, ts, local_ip, local_port, remote_ip, remote_port, outbound,
        count(*) OVER (PARTITION BY timeline, protocol, local_ip, local_port, remote_ip, remote_port) AS times
    FROM socket
    WHERE local_port IS NOT NULL AND local_ip IS NOT NULL
),
counted_flow AS (
    SELECT
        ts, protocol, local_ip, local_port, remote_ip, remote_port,
        count(*) OVER (PARTITION BY protocol, local_ip, local_port, remote_ip, remote_port) AS times
    FROM either_way
),
rare_flow AS (
    SELECT DISTINCT ts, protocol, local_ip, local_port, remote_ip, remote_port
    FROM counted_flow
    WHERE times <= $most_per_tuple
),
pair AS (
    SELECT
        s.timeline,
        coalesce(f.protocol, s.protocol) AS protocol,
        f.ts - s.ts AS difference,
        CASE
            WHEN s.outbound IS TRUE THEN s.local_port
            WHEN s.outbound IS FALSE THEN s.remote_port
            ELSE greatest(s.local_port, s.remote_port)
        END AS port,
        f.ts
    FROM counted_socket AS s
    JOIN rare_flow AS f
        ON s.local_ip = f.local_ip
        AND s.local_port = f.local_port
        AND s.remote_ip = f.remote_ip
        AND s.remote_port = f.remote_port
        AND s.protocol = coalesce(f.protocol, s.protocol)
    WHERE s.times <= $most_per_tuple AND s.local_port <> s.remote_port
)
SELECT timeline, protocol, difference, port, ts
FROM pair
WHERE port >= $ephemeral
ORDER BY timeline, protocol, difference, port, ts
