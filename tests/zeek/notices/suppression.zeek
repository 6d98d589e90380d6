# @TEST-DOC: A notice is not repeated for the same source and server until notice_suppression is over; Notice::ignored_types works too.
# @TEST-EXEC: replay traces/worker-1.pcap
# @TEST-EXEC: test "$(notices Tool_Lookup msg | wc -l)" = 1
# @TEST-EXEC: replay traces/worker-1.pcap WhosAsking::notice_suppression=0secs
# @TEST-EXEC: test "$(notices Tool_Lookup msg | wc -l)" = 12
# @TEST-EXEC: rm notice.log
# @TEST-EXEC: replay traces/worker-1.pcap 'Notice::ignored_types+={WhosAsking::Tool_Lookup}'
# @TEST-EXEC: test ! -e notice.log
