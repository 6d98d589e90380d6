# @TEST-DOC: The recorded workstation, lookup by lookup as its expected.yaml has them; rows of a session of many are one there.
# @TEST-REQUIRES: test -e $PCAPS/workstation/capture.pcap
# @TEST-EXEC: replay $PCAPS/workstation/capture.pcap
# @TEST-EXEC: expected-rows $PCAPS/workstation/expected.yaml <whois.log >different
# @TEST-EXEC: cat different && test ! -s different
