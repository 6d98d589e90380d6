# @TEST-DOC: match_labels=F leaves only the catalogue's names.
# @TEST-EXEC: replay traces/tls.pcap
# @TEST-EXEC: rows server | grep -q whois.example.org
# @TEST-EXEC: rm whois.log
# @TEST-EXEC: replay traces/tls.pcap %INPUT
# @TEST-EXEC-FAIL: rows server | grep -q whois.example.org

redef WhosAsking::match_labels = F;
