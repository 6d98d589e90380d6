# @TEST-DOC: A session in which nothing was said has a row when its server is a WHOIS server by name, and is a scan when not.
# @TEST-EXEC: replay traces/dead.pcap
# @TEST-EXEC: test "$(rows server query outcome | cut -f2- | tr '\t\n' ' ;')" = "whois.nic.uk - -;- - found;"
