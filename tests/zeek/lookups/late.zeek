# @TEST-DOC: A DNS answer names connections until its TTL and a grace are over.
# @TEST-EXEC: replay traces/late.pcap
# @TEST-EXEC: test "$(rows server_source | wc -l)" = 1
# @TEST-EXEC: replay traces/late.pcap WhosAsking::answer_grace=1hr
# @TEST-EXEC: test "$(rows server_source | wc -l)" = 2
# @TEST-EXEC: rm whois.log
# @TEST-EXEC: replay traces/late.pcap WhosAsking::answer_grace=1sec
# @TEST-EXEC: test ! -e whois.log
