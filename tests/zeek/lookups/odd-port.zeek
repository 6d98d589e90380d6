# @TEST-DOC: WHOIS away from port 43, and what only looks a little like it.
# @TEST-EXEC: replay traces/odd-port.pcap
# @TEST-EXEC: rows id.resp_p server query object kind outcome >rows
# @TEST-EXEC: btest-diff rows
