# @TEST-DOC: Requests on port 43: split over packets, LF only, no line end, dialects, a server that never answers.
# @TEST-EXEC: replay traces/port43.pcap
# @TEST-EXEC: rows channel transport server server_source query object kind queries dialect orig_bytes resp_bytes outcome client_class catalogue_kind noise >rows
# @TEST-EXEC: btest-diff rows
