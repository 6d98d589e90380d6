# @TEST-DOC: The list is read again when the file is replaced: names come and go while Zeek runs.
# @TEST-EXEC: printf '#fields\tname\tmatch\tkind\tnoise\nold.example\texact\tweb\tlow\n' >hosts.tsv
# @TEST-EXEC: printf '#fields\tname\tmatch\tkind\tnoise\nnew.example\tsuffix\tweb\tlow\n' >fresh.tsv
# @TEST-EXEC: btest-bg-run zeek "zeek -b $PACKAGE/host-list.zeek ../reread.zeek WhosAsking::host_list=../hosts.tsv Input::default_mode=Input::REREAD >out 2>err"
# @TEST-EXEC: btest-bg-wait 120
# @TEST-EXEC: btest-diff zeek/out

@load base/frameworks/input

redef exit_only_after_terminate = T;
global reads = 0;

event Input::end_of_data(name: string, source: string)
	{
	++reads;
	print reads, WhosAsking::match_host("old.example")$listed, WhosAsking::match_host("www.new.example")$listed;

	if ( reads == 1 )
		system("mv ../fresh.tsv ../hosts.tsv");
	else
		terminate();
	}
