# @TEST-DOC: The list that is generated with the compiled-in tables says the same as they do, and is whole.
# @TEST-EXEC: zeek -b $PACKAGE/host-list.zeek %INPUT WhosAsking::host_list=$PACKAGE/hosts.tsv >out
# @TEST-EXEC: test "$(cat out)" = "$(grep -vc '^#' $PACKAGE/hosts.tsv) listed, 0 different"

@load base/frameworks/input

redef exit_only_after_terminate = T;

function differs(name: string, match: string, listed: WhosAsking::HostInfo): bool
	{
	local compiled = match == "suffix" ? WhosAsking::catalogue_suffix : WhosAsking::catalogue_exact;
	return name !in compiled || compiled[name]$kind != listed$kind || compiled[name]$noise != listed$noise;
	}

event Input::end_of_data(name: string, source: string)
	{
	local different = 0;

	for ( [host, match], listed in WhosAsking::listed_hosts )
		if ( differs(host, match, listed) )
			++different;

	print fmt("%d listed, %d different", |WhosAsking::listed_hosts|, different);
	terminate();
	}
