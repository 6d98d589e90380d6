# @TEST-DOC: A client with IPv4 and IPv6 asks DNS over the one and connects over the other: put down to the name when it
# @TEST-DOC: comes at once, and said to rest on another client's answer.
# @TEST-EXEC: replay traces/dual-stack.pcap
# @TEST-EXEC: test "$(rows id.orig_h id.resp_p server server_source | cut -f2- | tr '\t\n' ' ;')" = "2001:db8:20::5 443 rdap.db.ripe.net dns_other;2001:db8:20::5 43 rdap.db.ripe.net dns_other;"
# @TEST-EXEC: rm whois.log
# @TEST-EXEC: replay traces/dual-stack.pcap WhosAsking::dual_stack_window=0secs
# @TEST-EXEC: test "$(rows id.resp_p | cut -f2)" = 43
