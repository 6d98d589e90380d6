-- Rung 2: the tuple without the local port, for products that do not record it.
SELECT l.n AS lookup, s.process, s.timeline, l.ts - (s.ts + c.network) AS apart, s.n AS socket, 'no port' AS evidence
FROM lookup AS l
JOIN lookup_host AS h ON h.lookup = l.n
JOIN socket AS s
    ON s.host = h.host
    AND s.remote_ip = l.dst_ip
    AND s.remote_port = l.dst_port
    AND s.protocol = coalesce(l.protocol, s.protocol)
JOIN clock AS c USING (timeline)
WHERE s.local_port IS NULL AND s.outbound IS NOT FALSE AND abs(l.ts - (s.ts + c.network)) <= $reach
QUALIFY row_number() OVER (PARTITION BY l.n ORDER BY abs(apart), s.n) <= $most
ORDER BY lookup, abs(apart), socket
