# @TEST-DOC: What is kept of lines, sessions and replies is up to the site; what is left out is said.
# @TEST-EXEC: replay traces/hostile.pcap WhosAsking::max_line=100
# @TEST-EXEC: test "$(rows query dialect | sed -n 2p | cut -f2 | tr -d '\n' | wc -c)" = 100
# @TEST-EXEC: replay traces/over-cap.pcap WhosAsking::max_kept=50
# @TEST-EXEC: test "$(rows queries dialect | cut -f2- | sort | uniq -c | sed 's/^ *//')" = "6 200	capped,begin,lf"
# @TEST-EXEC: replay traces/port43.pcap WhosAsking::max_reply=4
# @TEST-EXEC: test "$(rows outcome | cut -f2 | sort -u)" = "-"
# @TEST-EXEC: replay traces/port43.pcap WhosAsking::max_sessions=0
# @TEST-EXEC: test "$(rows query dialect | cut -f2- | sort | uniq -c | sed 's/^ *//' | tr '\n' ' ')" = "6 -	unread "
