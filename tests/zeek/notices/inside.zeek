# @TEST-DOC: Lookups that stay inside, or come from outside, are worth no notice unless the site says so; requests to a proxy
# @TEST-DOC: are.
# @TEST-EXEC: replay traces/inside.pcap
# @TEST-EXEC: test "$(rows id.orig_h id.resp_h query | cut -f2- | tr '\t\n' ' ;')" = "10.20.0.5 10.20.0.99 host7.corp.example;10.20.0.5 10.20.0.98 /ip/192.0.2.1;203.0.113.5 10.20.0.99 host7.corp.example;203.0.113.5 10.20.0.98 /ip/192.0.2.1;"
# @TEST-EXEC: test "$(notices Tool_Lookup id.orig_h id.resp_h | tr '\t' ' ')" = "10.20.0.5 10.20.0.98"
# @TEST-EXEC: replay traces/inside.pcap WhosAsking::notice_inside=T
# @TEST-EXEC: test "$(notices Tool_Lookup id.orig_h id.resp_h | wc -l)" = 4
