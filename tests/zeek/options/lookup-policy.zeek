# @TEST-DOC: lookup_policy vetoes a lookup; log_policy drops a row but leaves the lookup to other scripts.
# @TEST-EXEC: replay traces/port43.pcap %INPUT
# @TEST-EXEC: rows query >rows
# @TEST-EXEC: btest-diff rows
# @TEST-EXEC: btest-diff .stdout

hook WhosAsking::lookup_policy(lookup: WhosAsking::Info)
	{
	if ( lookup?$object && lookup$object == "example.com" )
		break;
	}

hook WhosAsking::log_policy(rec: WhosAsking::Info, id: Log::ID, filter: Log::Filter)
	{
	if ( rec$query == "AS64496" )
		break;
	}

event WhosAsking::log_whois(lookup: WhosAsking::Info)
	{
	print "logged", lookup$query;
	}
