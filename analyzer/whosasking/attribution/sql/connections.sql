-- Every connection of the logs, in order of time; its number is its rowid. `server` and `ja3` are what TLS, QUIC and
-- HTTP logs say of the session; for DNS, `server` is the name asked for. Addresses that are no plain IPv4 come in one spelling.
CREATE TABLE conn AS
WITH told AS (
    SELECT uid, rtrim(lower(any_value(server)), '.') AS server, any_value(ja3) AS ja3
    FROM wire_name
    GROUP BY uid
)
SELECT
    c.ts,
    lower(c.protocol) AS protocol,
    coalesce(a.ip, c.src_ip) AS src_ip,
    c.src_port,
    coalesce(b.ip, c.dst_ip) AS dst_ip,
    c.dst_port,
    c.uid,
    c.community_id,
    c.established,
    t.server,
    t.ja3
FROM wire_connection AS c
LEFT JOIN spelling AS a ON a.written = c.src_ip
LEFT JOIN spelling AS b ON b.written = c.dst_ip
LEFT JOIN told AS t ON t.uid = c.uid
ORDER BY c.ts, c.uid
