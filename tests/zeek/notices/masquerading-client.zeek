# @TEST-DOC: A browser's User-Agent without what browsers send along; silenced.
# @TEST-EXEC: replay traces/http.pcap
# @TEST-EXEC: notices Masquerading_Client msg >found
# @TEST-EXEC: btest-diff found
# @TEST-EXEC: replay traces/http.pcap WhosAsking::notice_masquerading_client=F
# @TEST-EXEC: test "$(notices Masquerading_Client msg | wc -l)" = 0
