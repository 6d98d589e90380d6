# @TEST-DOC: A JA4 that another package adds to ssl.log is carried along; without one the column is empty.
# @TEST-EXEC: replay traces/tls.pcap
# @TEST-EXEC: test "$(rows ja4 | cut -f2 | sort -u)" = -
# @TEST-EXEC: replay traces/tls.pcap %INPUT
# @TEST-EXEC: test "$(rows ja4 | cut -f2 | sort -u)" = t12d1010_stub

redef record SSL::Info += {
	ja4: string &log &default="";
};

event ssl_client_hello(c: connection, version: count, record_version: count, possible_ts: time, client_random: string,
                       session_id: string, ciphers: index_vec, comp_methods: index_vec)
	{
	c$ssl$ja4 = "t12d1010_stub";
	}
