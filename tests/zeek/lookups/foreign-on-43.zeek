# @TEST-DOC: SSH, HTTP, TLS and SMTP on port 43 are no lookups.
# @TEST-EXEC: replay traces/foreign-on-43.pcap
# @TEST-EXEC: test ! -e whois.log
