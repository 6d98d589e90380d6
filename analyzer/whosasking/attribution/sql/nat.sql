-- Behind address translation: nobody is known at the client's address, but hosts elsewhere spoke to that server and
-- port at that time. Many translators keep the client's port; where it is another, only a public client address, which
-- a translator has and an endpoint has not, makes the question worth asking. An event whose own connection the sensor
-- saw, from an address of its host, went through no translator; one that is nearer to another of the translator's
-- connections is of that one. All is compared in slots of ten seconds, each with its neighbours: a site's resolver
-- would else meet all that was ever asked of it.
WITH step AS (
    SELECT -1 AS step UNION ALL SELECT 0 AS step UNION ALL SELECT 1 AS step
),
hidden AS (
    SELECT
        l.n, l.ts, l.protocol, l.src_ip, l.src_port, l.dst_ip, l.dst_port, w.public,
        CAST(floor(l.ts / 10000000) AS BIGINT) + s.step AS slot
    FROM lookup AS l
    JOIN lookup_nowhere AS w ON w.lookup = l.n
    CROSS JOIN step AS s
),
event AS (
    SELECT
        n, process, timeline, host, ts, seen_at, protocol, local_port, remote_ip, remote_port,
        CAST(floor(seen_at / 10000000) AS BIGINT) AS slot
    FROM socket_at
    WHERE outbound IS NOT FALSE
),
near AS (
    SELECT
        l.n AS lookup, s.process, s.timeline, l.ts - s.seen_at AS apart, s.n AS socket, s.ts AS own, s.seen_at, s.host,
        s.slot, s.local_port, s.protocol, l.src_ip, l.src_port, l.dst_ip, l.dst_port,
        CASE WHEN s.local_port = l.src_port THEN 0 ELSE 1 END AS other_port
    FROM hidden AS l
    JOIN event AS s
        ON s.remote_ip = l.dst_ip
        AND s.remote_port = l.dst_port
        AND s.slot = l.slot
        AND s.protocol = coalesce(l.protocol, s.protocol)
    WHERE l.ts - s.seen_at BETWEEN -$near AND $reach AND (s.local_port = l.src_port OR l.public)
),
flowing AS (
    SELECT
        f.ts, f.protocol, f.src_ip, f.src_port, f.dst_ip, f.dst_port,
        CAST(floor(f.ts / 10000000) AS BIGINT) + s.step AS slot
    FROM flow AS f
    CROSS JOIN step AS s
),
elsewhere AS (
    SELECT n.lookup, n.socket, n.own
    FROM near AS n
    JOIN host_address AS h ON h.host = n.host
    JOIN flowing AS f
        ON f.src_ip = h.ip
        AND f.dst_ip = n.dst_ip
        AND f.dst_port = n.dst_port
        AND f.slot = n.slot
        AND coalesce(f.protocol, n.protocol) = n.protocol
    WHERE coalesce(n.local_port, f.src_port) = f.src_port AND f.ts - n.seen_at BETWEEN -$near AND $reach
    UNION
    SELECT n.lookup, n.socket, n.own
    FROM near AS n
    JOIN flowing AS f
        ON f.src_ip = n.src_ip
        AND f.dst_ip = n.dst_ip
        AND f.dst_port = n.dst_port
        AND f.slot = n.slot
        AND coalesce(f.protocol, n.protocol) = n.protocol
    WHERE n.other_port = 1 AND f.src_port <> n.src_port AND abs(f.ts - n.seen_at) < abs(n.apart) - $jitter
),
ranked AS (
    SELECT
        n.lookup, n.process, n.timeline, n.apart, n.socket, n.own, n.other_port,
        row_number() OVER (PARTITION BY n.lookup ORDER BY n.other_port, abs(n.apart), n.socket) AS place
    FROM near AS n
    LEFT JOIN elsewhere AS o ON o.lookup = n.lookup AND o.socket = n.socket AND o.own = n.own
    WHERE o.lookup IS NULL
)
SELECT
    lookup, process, timeline, apart, socket,
    CASE WHEN other_port = 0 THEN 'port kept' ELSE 'translated' END AS evidence, own
FROM ranked
WHERE place <= $most
ORDER BY lookup, abs(apart), socket
