# @TEST-DOC: Data in queries or replies of unlisted servers; not handles and domains, not listed servers; silenced.
# @TEST-EXEC: replay traces/channel.pcap
# @TEST-EXEC: notices Covert_Channel msg >found
# @TEST-EXEC: btest-diff found
# @TEST-EXEC: replay traces/channel.pcap %INPUT
# @TEST-EXEC: test "$(notices Covert_Channel dst | sort | tr '\n' ' ')" = "198.51.100.68 198.51.100.69 "
# @TEST-EXEC: replay traces/channel.pcap WhosAsking::notice_covert_channel=F
# @TEST-EXEC: test "$(notices Covert_Channel msg | wc -l)" = 0

redef WhosAsking::oversized_query = 1000;
redef WhosAsking::channel_query = /never this/;
