# @TEST-DOC: A port in not_whois_ports has no WHOIS on it.
# @TEST-EXEC: replay traces/odd-port.pcap %INPUT
# @TEST-EXEC: test "$(rows id.resp_p | cut -f2 | tr '\n' ' ')" = "8043 7043 10043 "

redef WhosAsking::not_whois_ports += { 4343/tcp };
