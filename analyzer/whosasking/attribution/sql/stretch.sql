-- The connections of one stretch, as the first rung wants them.
CREATE OR REPLACE TABLE flow AS
SELECT rowid AS n, ts, protocol, src_ip, src_port, dst_ip, dst_port
FROM conn
WHERE rowid >= $first AND rowid < $last AND protocol IN ('tcp', 'udp') AND src_port > 0 AND dst_port > 0
