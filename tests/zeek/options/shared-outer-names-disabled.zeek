# @TEST-DOC: With no shared outer names, only a ClientHello without a name counts as hiding it.
# @TEST-EXEC: replay traces/tls.pcap
# @TEST-EXEC: test "$(rows server_source | grep -c dns)" = 2
# @TEST-EXEC: rm whois.log
# @TEST-EXEC: replay traces/tls.pcap %INPUT
# @TEST-EXEC: test "$(rows server_source | grep -c dns)" = 1

redef WhosAsking::shared_outer_names = {};
