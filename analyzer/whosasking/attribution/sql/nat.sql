-- Behind address translation: nobody is known at the client's address, but hosts elsewhere spoke to that server and
-- port at that time. Many translators keep the client's port; where it is another, only a public client address, which
-- a translator has and an endpoint has not, makes the question worth asking.
WITH near AS (
    SELECT
        l.n AS lookup, s.process, s.timeline, l.ts - s.seen_at AS apart, s.n AS socket, s.ts AS own,
        CASE WHEN s.local_port = l.src_port THEN 0 ELSE 1 END AS other_port
    FROM lookup AS l
    JOIN lookup_nowhere AS w ON w.lookup = l.n
    JOIN socket_at AS s
        ON s.remote_ip = l.dst_ip
        AND s.remote_port = l.dst_port
        AND s.protocol = coalesce(l.protocol, s.protocol)
    WHERE
        s.outbound IS NOT FALSE
        AND l.ts - s.seen_at BETWEEN -$near AND $reach
        AND (s.local_port = l.src_port OR w.public)
),
ranked AS (
    SELECT
        lookup, process, timeline, apart, socket, own, other_port,
        row_number() OVER (PARTITION BY lookup ORDER BY other_port, abs(apart), socket) AS place
    FROM near
)
SELECT
    lookup, process, timeline, apart, socket,
    CASE WHEN other_port = 0 THEN 'port kept' ELSE 'translated' END AS evidence, own
FROM ranked
WHERE place <= $most
ORDER BY lookup, abs(apart), socket
