# @TEST-DOC: Many requests in one session.
# @TEST-EXEC: replay traces/bulk.pcap
# @TEST-EXEC: rows query object kind queries dialect outcome >rows
# @TEST-EXEC: btest-diff rows
