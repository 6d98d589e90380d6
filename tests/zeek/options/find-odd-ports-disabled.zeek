# @TEST-DOC: find_odd_ports=F looks for WHOIS on its ports only.
# @TEST-EXEC: replay traces/odd-port.pcap WhosAsking::find_odd_ports=F
# @TEST-EXEC: test ! -e whois.log
