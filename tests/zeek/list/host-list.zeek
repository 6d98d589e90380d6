# @TEST-DOC: A list in a file extends the catalogue, in a capture that is over at once; a missing file is waited for by nobody.
# @TEST-EXEC: printf '#fields\tname\tmatch\tkind\tnoise\nlookup.corp.example\texact\tweb\tlow\nregistry.example\tsuffix\trdap\tmedium\n' >hosts.tsv
# @TEST-EXEC: zeek -C -r traces/listed.pcap $PACKAGE WhosAsking::host_list=hosts.tsv
# @TEST-EXEC: ! grep -i 'warning\|error' reporter.log
# @TEST-EXEC: rm reporter.log
# @TEST-EXEC: rows channel server catalogue_kind noise >rows
# @TEST-EXEC: btest-diff rows
# @TEST-EXEC: replay traces/listed.pcap
# @TEST-EXEC: test "$(rows server | cut -f2)" = rdap.arin.net
# @TEST-EXEC: rm whois.log
# @TEST-EXEC: zeek -C -r traces/listed.pcap $PACKAGE WhosAsking::host_list=none.tsv 2>stderr
# @TEST-EXEC: test "$(rows server | cut -f2)" = rdap.arin.net
