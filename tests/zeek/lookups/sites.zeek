# @TEST-DOC: What URLs at lookup sites ask about.
# @TEST-EXEC: replay traces/sites.pcap
# @TEST-EXEC: rows query object kind >rows
# @TEST-EXEC: btest-diff rows
