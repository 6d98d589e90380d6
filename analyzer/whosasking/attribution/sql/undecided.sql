-- The connections of one stretch, as the rungs below want them. Those that the first rung decided and those around the
-- stretch have no number: they are asked about nothing, but an event of theirs is of no other connection.
CREATE OR REPLACE TABLE flow AS
SELECT
    CASE WHEN c.rowid >= $first AND c.rowid < $last AND d.n IS NULL THEN c.rowid END AS n,
    c.ts, c.protocol, c.src_ip, c.src_port, c.dst_ip, c.dst_port
FROM conn AS c
LEFT JOIN (SELECT n FROM decided WHERE n >= $first AND n < $last) AS d ON d.n = c.rowid
WHERE c.ts BETWEEN $since AND $until AND c.protocol IN ('tcp', 'udp') AND c.src_port > 0 AND c.dst_port > 0
