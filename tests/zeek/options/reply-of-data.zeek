# @TEST-DOC: Which replies look like data is up to the site.
# @TEST-EXEC: replay traces/channel.pcap %INPUT
# @TEST-EXEC-FAIL: zeek-cut note id.resp_h <notice.log | grep -q 'Covert.*198.51.100.69'

redef WhosAsking::reply_of_data = /never this/;
