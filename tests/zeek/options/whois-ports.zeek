# @TEST-DOC: Another port can be declared WHOIS: then every session to it has a row, whatever the answer.
# @TEST-EXEC: replay traces/odd-port.pcap
# @TEST-EXEC-FAIL: rows id.resp_p | grep -q 9000
# @TEST-EXEC: rm -f whois.log
# @TEST-EXEC: replay traces/odd-port.pcap %INPUT
# @TEST-EXEC: rows id.resp_p query | grep -q '9000.example.org'

redef WhosAsking::whois_ports += { 9000/tcp };
