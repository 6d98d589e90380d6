# @TEST-DOC: Many different objects of one source; a threshold and an interval of the site's own; silenced.
# @TEST-EXEC: replay traces/over-cap.pcap
# @TEST-EXEC: notices Bulk_Lookups src msg >found
# @TEST-EXEC: btest-diff found
# @TEST-EXEC: rm notice.log
# @TEST-EXEC: replay traces/over-cap.pcap WhosAsking::notice_bulk_lookups=F
# @TEST-EXEC: test "$(notices Bulk_Lookups msg | wc -l)" = 0
# @TEST-EXEC: replay traces/worker-1.pcap
# @TEST-EXEC: test "$(notices Bulk_Lookups msg | wc -l)" = 0
# @TEST-EXEC: replay traces/worker-1.pcap WhosAsking::bulk_threshold=12.0
# @TEST-EXEC: test "$(notices Bulk_Lookups msg | wc -l)" = 1
# @TEST-EXEC: replay traces/slow.pcap WhosAsking::bulk_threshold=12.0 WhosAsking::bulk_interval=5min
# @TEST-EXEC: test "$(notices Bulk_Lookups msg | wc -l)" = 0
# @TEST-EXEC: replay traces/slow.pcap WhosAsking::bulk_threshold=12.0 WhosAsking::bulk_interval=1hr
# @TEST-EXEC: test "$(notices Bulk_Lookups msg | wc -l)" = 1
