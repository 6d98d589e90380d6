# @TEST-DOC: The recorded workstation: as many lookups of each sort as its expected.yaml has, and none else. A session of many
# @TEST-DOC: queries is one lookup there.
# @TEST-REQUIRES: test -e $PCAPS/workstation/capture.pcap
# @TEST-EXEC: replay $PCAPS/workstation/capture.pcap
# @TEST-EXEC: rows transport nth | grep -v "	[2-9]" | cut -f2 | sed 's/\t.*//' | sort | uniq -c | sed 's/^ *//' >found
# @TEST-EXEC: expected-transports $PCAPS/workstation/expected.yaml >wanted
# @TEST-EXEC: diff wanted found
