# @TEST-DOC: WHOIS sessions with a server inside are worth no notice unless the site says so; requests to a proxy inside are.
# @TEST-EXEC: replay traces/inside.pcap
# @TEST-EXEC: test "$(rows server query object | cut -f2- | tr '\t\n' ' ;')" = "- host7.corp.example host7.corp.example;rdap.arin.net /ip/192.0.2.1 192.0.2.1;"
# @TEST-EXEC: test "$(notices Tool_Lookup id.resp_h)" = 10.20.0.98
# @TEST-EXEC: replay traces/inside.pcap WhosAsking::notice_inside=T
# @TEST-EXEC: test "$(notices Tool_Lookup id.resp_h | wc -l)" = 2
