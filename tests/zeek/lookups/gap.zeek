# @TEST-DOC: A query with a hole, where the sensor missed a packet, says so.
# @TEST-EXEC: replay traces/gap.pcap
# @TEST-EXEC: test "$(rows orig_bytes dialect | cut -f2-)" = "13	gap"
