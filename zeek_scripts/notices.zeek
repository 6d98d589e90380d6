##! Notices on lookups. What is worth one is an opinion: each has an option that silences it, Notice::policy can act on it, and
##! lookup_policy keeps a lookup from being seen at all.

@load base/frameworks/notice
@load base/frameworks/sumstats
@load base/utils/site
@load ./odd-port

module WhosAsking;

export {
	redef enum Notice::Type += {
		## Something that is no browser looked something up.
		Tool_Lookup,
		## One source looked up many different things in a short time.
		Bulk_Lookups,
		## WHOIS on a port that is not WHOIS's.
		Odd_Port,
		## A WHOIS session with an unlisted server carries what looks like data, not questions.
		Covert_Channel,
		## A client claims to be a browser and is none.
		Masquerading_Client,
		## Somebody looked up the site's own names or networks.
		Own_Lookup,
	};

	## Raises Tool_Lookup.
	option notice_tool_lookup = T;

	## Raises Bulk_Lookups.
	option notice_bulk_lookups = T;

	## Raises Odd_Port.
	option notice_odd_port = T;

	## Raises Covert_Channel.
	option notice_covert_channel = T;

	## Raises Masquerading_Client.
	option notice_masquerading_client = T;

	## Raises Own_Lookup.
	option notice_own_lookup = T;

	## Raises notices on lookups that do not leave the site (Site::local_nets), too: those of outsiders at servers inside,
	## and WHOIS inside. Other lookups of insiders may leave through a proxy.
	option notice_inside = F;

	## Servers whose visits by tools raise Tool_Lookup, by their noise; unlisted ones always do.
	option tool_lookup_noise: set[string] = { "low", "medium" };

	## How many different objects of one source within bulk_interval raise Bulk_Lookups. A session that hides its object
	## (TLS) counts as one object when a tool opened it.
	const bulk_threshold = 20.0 &redef;

	## The time in which they are counted.
	const bulk_interval = 10 min &redef;

	## Queries that look like data: base64, base32 or hexadecimal without a dot or space.
	const channel_query = /[A-Za-z0-9+\/_-]{32,}={0,2}/ &redef;

	## Query lines from this length on are oversized: no domain name is as long.
	option oversized_query = 256;

	## The site's own domains; what is below them counts too.
	option own_domains: set[string] = {};

	## The site's own networks.
	option own_networks: set[subnet] = {};

	## How long a notice is not repeated for the same source and server or object. Notice::type_suppression_intervals
	## overrides it for one type.
	option notice_suppression = 1 day;
}

# What a notice says at most of a text somebody else chose.
const max_quoted = 128;

function quoted(text: string): string
	{
	return escape_string(text[:max_quoted]);
	}

# Unlisted servers are one: whoever sweeps addresses would else fill the tables of the notice framework.
function named_server(lookup: Info): string
	{
	return lookup?$server ? lookup$server : "a server without a name";
	}

function raise_notice(note: Notice::Type, lookup: Info, message: string, identifier: string)
	{
	local notice = Notice::Info($note=note, $msg=message, $uid=lookup$uid, $id=lookup$id, $src=lookup$id$orig_h,
	                            $identifier=cat(lookup$id$orig_h, " ", identifier), $suppress_for=notice_suppression);

	if ( lookup?$query )
		notice$sub = quoted(lookup$query);

	NOTICE(notice);
	}

function notice_tool(lookup: Info)
	{
	if ( ! notice_tool_lookup || lookup$client_class != "tool" || lookup?$noise && lookup$noise !in tool_lookup_noise )
		return;

	# An attempt that nobody answered asked nothing.
	if ( lookup$channel == "whois" && ! lookup?$query )
		return;

	raise_notice(Tool_Lookup, lookup, fmt("%s asked %s over %s; %s", lookup$id$orig_h, quoted(named_server(lookup)),
	                                      lookup$transport, lookup?$client_evidence ? lookup$client_evidence[0] : "no browser"),
	             named_server(lookup));
	}

function notice_port(lookup: Info)
	{
	if ( notice_odd_port && lookup$channel == "whois" && lookup$id$resp_p !in whois_ports )
		raise_notice(Odd_Port, lookup, fmt("%s spoke WHOIS to %s on port %s", lookup$id$orig_h, lookup$id$resp_h,
		                                   lookup$id$resp_p), cat(lookup$id$resp_h, " ", lookup$id$resp_p));
	}

# Why a query is no question; "" when it may be one.
function channel_evidence(lookup: Info): string
	{
	if ( "cut" in lookup$dialect || |lookup$query| >= oversized_query )
		return "an oversized query";

	if ( "binary" in lookup$dialect )
		return "a binary query";

	if ( channel_query == lookup$query )
		return "a query that looks like encoded data";

	return lookup$reply_is_data ? "a reply that looks like encoded data" : "";
	}

function notice_channel(lookup: Info)
	{
	if ( ! notice_covert_channel || lookup$channel != "whois" || lookup?$catalogue_kind || ! lookup?$query )
		return;

	local evidence = channel_evidence(lookup);

	if ( evidence != "" )
		raise_notice(Covert_Channel, lookup, fmt("%s and %s exchanged %s over WHOIS", lookup$id$orig_h, lookup$id$resp_h,
		                                         evidence), cat(lookup$id$resp_h));
	}

function notice_masquerade(lookup: Info)
	{
	if ( notice_masquerading_client && lookup?$user_agent_class && lookup$user_agent_class == "masquerade" )
		raise_notice(Masquerading_Client, lookup, fmt("%s claims to be %s at %s; %s", lookup$id$orig_h,
		                                              quoted(lookup$user_agent), quoted(named_server(lookup)),
		                                              lookup$client_evidence[0]), lookup$user_agent[:max_quoted]);
	}

function is_own_domain(name: string): bool
	{
	local rest = to_lower(ends_with(name, ".") ? name[:-1] : name);

	# A person is looked up by the address of a mailbox, too.
	local at = strstr(rest, "@");
	rest = rest[at:];

	while ( |rest| > 0 && |rest| <= max_name_length )
		{
		if ( rest in own_domains )
			return T;

		local dot = strstr(rest, ".");
		if ( dot == 0 )
			break;

		rest = rest[dot:];
		}

	return F;
	}

# Looking up a network around or inside one's own asks about it as well.
function is_own_network(lookup: Info): bool
	{
	local slash = strstr(lookup$object, "/");

	if ( lookup$kind == "ip" )
		return to_addr(lookup$object) in own_networks;

	if ( lookup$kind != "cidr" || slash == 0 || ! is_valid_subnet(lookup$object) )
		return F;

	local asked = to_subnet(lookup$object);

	for ( own in own_networks )
		if ( subnet_to_addr(own) in asked || subnet_to_addr(asked) in own )
			return T;

	return F;
	}

function notice_own(lookup: Info)
	{
	if ( notice_own_lookup && lookup?$object && ( is_own_network(lookup) || is_own_domain(lookup$object) ) )
		raise_notice(Own_Lookup, lookup, fmt("%s looked up %s, the site's own", lookup$id$orig_h, quoted(lookup$object)),
		             lookup$object[:max_quoted]);
	}

# What Bulk_Lookups counts: the object, or a session of a tool that hides it; "" counts nothing.
function counted(lookup: Info): string
	{
	if ( lookup?$object )
		return to_lower(lookup$object[:max_quoted]);

	return lookup$client_class == "tool" && ( lookup$transport == "tls" || lookup$transport == "quic" ) ? lookup$uid : "";
	}

function leaves_site(lookup: Info): bool
	{
	if ( ! Site::is_local_addr(lookup$id$resp_h) )
		return T;

	return lookup$channel != "whois" && Site::is_local_addr(lookup$id$orig_h);
	}

event log_whois(lookup: Info)
	{
	if ( ! notice_inside && ! leaves_site(lookup) )
		return;

	notice_tool(lookup);
	notice_port(lookup);
	notice_channel(lookup);
	notice_masquerade(lookup);
	notice_own(lookup);

	local what = counted(lookup);
	if ( what != "" )
		SumStats::observe("whosasking.objects", SumStats::Key($host=lookup$id$orig_h), SumStats::Observation($str=what));
	}

function distinct_objects(key: SumStats::Key, result: SumStats::Result): double
	{
	return result["whosasking.objects"]$unique + 0.0;
	}

function notice_bulk(key: SumStats::Key, result: SumStats::Result)
	{
	if ( ! notice_bulk_lookups )
		return;

	NOTICE(Notice::Info($note=Bulk_Lookups, $src=key$host, $identifier=cat(key$host), $suppress_for=notice_suppression,
	                    $msg=fmt("%s looked up %d or more different objects within %s", key$host,
	                             double_to_count(bulk_threshold), bulk_interval)));
	}

# Without it the framework of a single Zeek never begins anew: counts would go on for ever.
function forget(now: time, key: SumStats::Key, result: SumStats::Result)
	{
	}

event zeek_init()
	{
	# One value more than the threshold is all that has to be kept of a source.
	SumStats::create(SumStats::SumStat($name="whosasking-bulk", $epoch=bulk_interval, $threshold=bulk_threshold,
	                                   $threshold_val=distinct_objects, $threshold_crossed=notice_bulk, $epoch_result=forget,
	                                   $reducers=set(SumStats::Reducer($stream="whosasking.objects",
	                                                                   $apply=set(SumStats::UNIQUE),
	                                                                   $unique_max=double_to_count(bulk_threshold) + 1))));
	}
