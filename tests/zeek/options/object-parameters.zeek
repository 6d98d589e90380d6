# @TEST-DOC: The parameters that hold the object of a lookup site are up to the site.
# @TEST-EXEC: replay traces/sites.pcap %INPUT
# @TEST-EXEC: test "$(rows query object | grep 'lookup?q' | cut -f3)" = -
# @TEST-EXEC: test "$(rows query object | grep '?domain' | cut -f3)" = 1

redef WhosAsking::object_parameters = vector("x");
