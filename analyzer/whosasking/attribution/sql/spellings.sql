-- Addresses that may be written in more than one way: all but plain IPv4.
SELECT DISTINCT written
FROM (SELECT src_ip AS written FROM wire_connection UNION ALL SELECT dst_ip FROM wire_connection)
WHERE NOT regexp_full_match(written, '(0|[1-9][0-9]{0,2})([.](0|[1-9][0-9]{0,2})){3}')
