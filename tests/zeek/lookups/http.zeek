# @TEST-DOC: RDAP, lookup sites and traps in clear HTTP; a browser's User-Agent on a tool.
# @TEST-EXEC: replay traces/http.pcap
# @TEST-EXEC: rows channel server server_source query object kind outcome client_class client_evidence user_agent_class catalogue_kind >rows
# @TEST-EXEC: btest-diff rows
