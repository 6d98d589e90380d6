# @TEST-DOC: Lookup hosts and traps over TLS; hidden names by the DNS answer of the same client.
# @TEST-EXEC: replay traces/tls.pcap
# @TEST-EXEC: rows channel transport server server_source client_class client_evidence ja3_string ja3 catalogue_kind noise >rows
# @TEST-EXEC: btest-diff rows
