# @TEST-DOC: Lookups of the site's own domains and networks, of both families; none without the options; silenced.
# @TEST-EXEC: replay traces/own.pcap %INPUT
# @TEST-EXEC: notices Own_Lookup msg >found
# @TEST-EXEC: btest-diff found
# @TEST-EXEC: replay traces/own.pcap %INPUT WhosAsking::notice_own_lookup=F
# @TEST-EXEC: test "$(notices Own_Lookup msg | wc -l)" = 0
# @TEST-EXEC: replay traces/own.pcap
# @TEST-EXEC: test "$(notices Own_Lookup msg | wc -l)" = 0

redef WhosAsking::own_domains += { "example.com" };
redef WhosAsking::own_networks += { 192.0.2.0/24, [2001:db8:1::]/48 };
