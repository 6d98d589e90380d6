-- A wire connection from both ends: sockets have the host's side first, whoever opened the connection.
CREATE OR REPLACE TEMPORARY VIEW either_way AS
SELECT
    n, ts, protocol, src_ip AS local_ip, src_port AS local_port, dst_ip AS remote_ip, dst_port AS remote_port,
    TRUE AS originator
FROM flow
UNION ALL
SELECT n, ts, protocol, dst_ip, dst_port, src_ip, src_port, FALSE
FROM flow
