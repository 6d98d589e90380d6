# @TEST-DOC: Queries beyond max_rows are counted, and their rows say so.
# @TEST-EXEC: replay traces/over-cap.pcap
# @TEST-EXEC: test "$(rows nth | wc -l)" = 64
# @TEST-EXEC: test "$(rows query object kind queries nth opened_with dialect | grep "	64	begin" | cut -f2-)" = "192.0.2.63	192.0.2.63	ip	200	64	begin	capped,begin,lf"
# @TEST-EXEC: replay traces/over-cap.pcap WhosAsking::max_rows=5
# @TEST-EXEC: test "$(rows queries | sort -u | cut -f2)" = 200
# @TEST-EXEC: test "$(rows nth | cut -f2 | tr '\n' ' ')" = "1 2 3 4 5 "
# @TEST-EXEC: replay traces/over-cap.pcap WhosAsking::max_rows=500
# @TEST-EXEC: test "$(rows nth | wc -l)" = 200
# @TEST-EXEC-FAIL: rows dialect | grep -q capped
