# @TEST-DOC: Answers are kept up to max_answers, for answer_lifetime.
# @TEST-EXEC: replay traces/tls.pcap WhosAsking::max_answers=0
# @TEST-EXEC: test "$(rows server_source | grep -c dns)" = 0
# @TEST-EXEC: rm whois.log
# @TEST-EXEC: replay traces/tls.pcap WhosAsking::answer_lifetime=1msec table_expire_interval=1msec
# @TEST-EXEC: test "$(rows server_source | grep -c dns)" = 0
