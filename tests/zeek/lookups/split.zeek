# @TEST-DOC: Queries on other ports that come in several packets are read whole, with CRLF and LF.
# @TEST-EXEC: replay traces/split.pcap
# @TEST-EXEC: rows id.resp_p server query object kind dialect orig_bytes outcome >rows
# @TEST-EXEC: btest-diff rows
