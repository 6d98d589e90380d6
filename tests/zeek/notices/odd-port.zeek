# @TEST-DOC: WHOIS on another port, for each server and port; silenced.
# @TEST-EXEC: replay traces/odd-port.pcap
# @TEST-EXEC: notices Odd_Port msg sub >found
# @TEST-EXEC: btest-diff found
# @TEST-EXEC: replay traces/odd-port.pcap WhosAsking::notice_odd_port=F
# @TEST-EXEC: test "$(notices Odd_Port msg | wc -l)" = 0
