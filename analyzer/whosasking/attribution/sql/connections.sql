-- Every connection of the logs, in order of time; its number is its rowid. Addresses that are no plain IPv4 come in one
-- spelling.
CREATE TABLE conn AS
SELECT
    c.ts,
    lower(c.protocol) AS protocol,
    coalesce(a.ip, c.src_ip) AS src_ip,
    c.src_port,
    coalesce(b.ip, c.dst_ip) AS dst_ip,
    c.dst_port,
    c.uid,
    c.community_id,
    c.established
FROM wire_connection AS c
LEFT JOIN spelling AS a ON a.written = c.src_ip
LEFT JOIN spelling AS b ON b.written = c.dst_ip
ORDER BY c.ts, c.uid
