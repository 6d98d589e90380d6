# @TEST-DOC: Which extensions only browsers send is up to the site.
# @TEST-EXEC: replay traces/tls.pcap %INPUT
# @TEST-EXEC-FAIL: rows client_class | grep -q tool

redef WhosAsking::browser_extensions += { [10] = "supported_groups", [23] = "extended_master_secret" };
