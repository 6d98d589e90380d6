-- What TLS, QUIC and HTTP logs say of a connection's session; for DNS, `server` is the name asked for. One part of all:
-- the texts of millions of sessions do not fit into memory at once.
INSERT INTO told
SELECT c.rowid AS n, rtrim(lower(any_value(w.server)), '.') AS server, lower(any_value(w.ja3)) AS ja3
FROM (SELECT uid, server, ja3 FROM wire_name WHERE hash(uid) % $parts = $part) AS w
JOIN (SELECT rowid, uid FROM conn WHERE hash(uid) % $parts = $part) AS c ON c.uid = w.uid
GROUP BY c.rowid
