# @TEST-DOC: The recorded workstation: as many rows of each sort as its expected.yaml has lookups, and none else.
# @TEST-REQUIRES: test -e $PCAPS/workstation/capture.pcap
# @TEST-EXEC: replay $PCAPS/workstation/capture.pcap
# @TEST-EXEC: rows transport server query | cut -f2- | sed 's/\t.*//' | sort | uniq -c | sed 's/^ *//' >found
# @TEST-EXEC: expected-transports $PCAPS/workstation/expected.yaml >wanted
# @TEST-EXEC: diff wanted found
