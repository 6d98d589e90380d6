##! A list of lookup servers in a file, read at the start and again whenever it changes. It extends the compiled-in catalogue,
##! which works without it. Columns, separated by tabs, after a line "#fields<tab>name<tab>match<tab>kind<tab>noise":
##! a lower-case name; exact, or suffix for everything below it too; the catalogue's kind; its noise. hosts.tsv beside this
##! script is the catalogue in this form: newer ones can be taken without a restart.
##!
##! Replace the file by mv, never write into it: a reader may come in between. In a cluster each node reads its own copy.

@load base/frameworks/input
@load ./hosts

module WhosAsking;

export {
	## The file; "" reads none.
	const host_list = "" &redef;
}

type ListedName: record {
	name: string;
	match: string;
};

global stream = "whosasking-hosts";
global is_waiting = F;

function release()
	{
	if ( ! is_waiting )
		return;

	is_waiting = F;
	continue_processing();
	}

event zeek_init()
	{
	if ( host_list == "" )
		return;

	Input::add_table(Input::TableDescription($source=host_list, $name=stream, $idx=ListedName, $val=HostInfo,
	                                         $destination=listed_hosts, $mode=Input::REREAD));

	# A short capture would be over before the list is read. A file that is missing may come later; it is not waited for.
	if ( reading_traces() && file_size(host_list) >= 0.0 )
		{
		is_waiting = T;
		suspend_processing();
		}
	}

event Input::end_of_data(name: string, source: string) &priority=5
	{
	if ( name != stream )
		return;

	compile_domains();
	release();
	}
