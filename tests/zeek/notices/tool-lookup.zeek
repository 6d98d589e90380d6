# @TEST-DOC: A tool at a lookup server is worth a notice for each server, unless the server carries much else.
# @TEST-EXEC: replay traces/noise.pcap
# @TEST-EXEC: notices Tool_Lookup msg >found
# @TEST-EXEC: btest-diff found
# @TEST-EXEC: replay traces/noise.pcap 'WhosAsking::tool_lookup_noise={"high"}'
# @TEST-EXEC: test "$(notices Tool_Lookup msg | cut -d' ' -f3)" = www.arin.net
# @TEST-EXEC: rm notice.log
# @TEST-EXEC: replay traces/noise.pcap WhosAsking::notice_tool_lookup=F
# @TEST-EXEC: test ! -e notice.log
