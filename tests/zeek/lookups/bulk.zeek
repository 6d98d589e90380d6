# @TEST-DOC: Many queries in one session: a row for each.
# @TEST-EXEC: replay traces/bulk.pcap
# @TEST-EXEC: rows query object kind queries nth opened_with dialect outcome >rows
# @TEST-EXEC: btest-diff rows
