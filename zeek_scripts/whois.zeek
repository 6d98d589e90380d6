##! WHOIS sessions (RFC 3912) by port: a row for each query.

@load base/frameworks/analyzer
@load ./dns
@load ./reply
@load ./session

module WhosAsking;

export {
	## Ports WHOIS is spoken on. Away from them it is found by the shape of the answer.
	const whois_ports: set[port] = { 43/tcp } &redef;

	## Replies that look like data, lines of base64 or hexadecimal and nothing else.
	const reply_of_data = /[A-Za-z0-9+\/]{60,}={0,2}\r?(\n[A-Za-z0-9+\/]+={0,2}\r?)*\n?/ &redef;

	## WHOIS sessions read at once; those beyond have a row without a query, flagged "unread".
	const max_sessions: int = 10000 &redef;

	## Starts to read the WHOIS session that a connection is.
	global open_session: function(c: connection);
}

redef record connection += {
	whosasking_session: Session &optional;
};

# A capture may begin in the middle of a session: port 43 is the server's side then, too.
redef likely_server_ports += { 43/tcp };

# How other protocols begin; a session that does is none of ours.
const foreign_request = /^(SSH-|\x16\x03|[A-Z]{3,8} [^ ]* HTTP\/|EHLO |HELO |USER )/;
const foreign_reply = /^(SSH-|\x16\x03|HTTP\/[0-9]|220[ -]|\+OK|\* OK)/;

global open_sessions: int = 0;

event zeek_init()
	{
	for ( p in whois_ports )
		Analyzer::register_for_port(Analyzer::ANALYZER_STREAM_EVENT, p);
	}

# In a flood new sessions are not even delivered: each that a script has seen costs Zeek's own record of it. Other scripts
# that have streams delivered have to wait as well.
function count_session(change: int)
	{
	local was_crowded = open_sessions >= max_sessions;
	open_sessions += change;
	local is_crowded = open_sessions >= max_sessions;

	if ( is_crowded && ! was_crowded )
		Analyzer::disable_analyzer(Analyzer::ANALYZER_STREAM_EVENT);
	else if ( was_crowded && ! is_crowded )
		Analyzer::enable_analyzer(Analyzer::ANALYZER_STREAM_EVENT);
	}

function open_session(c: connection)
	{
	if ( c?$whosasking_session || open_sessions >= max_sessions )
		return;

	c$whosasking_session = Session();
	count_session(+1);
	}

function is_foreign(c: connection, session: Session): bool
	{
	for ( service in c$service )
		if ( ! starts_with(service, "-") )
			return T;

	local start = session?$first_line ? session$first_line : session$partial;
	return foreign_request in start || foreign_reply in session$reply;
	}

function name_server(lookup: Info)
	{
	local found = any_answer(lookup$id$orig_h, lookup$id$resp_h);

	if ( ! found$host$listed )
		return;

	lookup$server = found$host$name;
	lookup$server_source = found$source;
	lookup$catalogue_kind = found$host$kind;
	lookup$noise = found$host$noise;
	}

function measure_session(lookup: Info, c: connection, session: Session)
	{
	lookup$orig_bytes = c$orig$size;
	lookup$resp_bytes = c$resp$size;
	lookup$duration = c$duration;

	if ( session?$answered )
		lookup$response_time = session$answered - session$asked;

	local outcome = outcome_of(session$reply);
	if ( outcome != "" )
		lookup$outcome = outcome;
	}

# What all rows of a session have in common.
function session_lookup(c: connection, session: Session): Info
	{
	local lookup = new_lookup(c, "whois", "tcp");
	name_server(lookup);
	measure_session(lookup, c, session);

	# Browsers do not speak WHOIS.
	lookup$client_class = "tool";
	lookup$client_evidence = vector("speaks WHOIS");

	if ( session?$first_line )
		{
		lookup$query = session$first_line;
		lookup$queries = session$requests;
		lookup$dialect = session$dialect;
		}

	lookup$reply_is_data = reply_of_data == session$reply;

	if ( session$is_bulk )
		lookup$kind = "bulk";

	return lookup;
	}

function fill_query(lookup: Info, query: SessionQuery)
	{
	lookup$query = query$line;

	if ( query$request?$object )
		{
		lookup$object = query$request$object;
		lookup$kind = query$request$kind;
		}
	}

function write_rows(lookup: Info, session: Session)
	{
	if ( ! session$is_bulk && session$requests <= 1 )
		{
		if ( |session$queries| == 1 )
			fill_query(lookup, session$queries[0]);

		write(lookup);
		return;
		}

	for ( i, query in session$queries )
		{
		local row: Info = copy(lookup);
		row$ts = query$ts;
		row$nth = i + 1;
		row$opened_with = session$first_line;
		delete row$kind;
		fill_query(row, query);
		write(row);
		}

	if ( |session$queries| == 0 )
		write(lookup);
	}

event stream_deliver(c: connection, is_orig: bool, data: string)
	{
	# Other scripts may have streams delivered for purposes of their own.
	if ( ! c?$whosasking_session && c$id$resp_p !in whois_ports )
		return;

	open_session(c);

	if ( ! c?$whosasking_session )
		return;

	if ( is_orig )
		add_request(c$whosasking_session, data);
	else
		add_reply(c$whosasking_session, data);
	}

# Packets the sensor missed: the query around the hole is not whole.
event stream_undelivered(c: connection, is_orig: bool, seq: count, len: count)
	{
	if ( is_orig && c?$whosasking_session )
		add c$whosasking_session$dialect["gap"];
	}

function is_unread(c: connection): bool
	{
	return ! c?$whosasking_session && c$orig$size + c$resp$size > 0;
	}

function said_nothing(session: Session): bool
	{
	return ! session?$first_line && session$reply == "";
	}

function write_session(c: connection)
	{
	local session = Session();

	if ( c?$whosasking_session )
		{
		session = c$whosasking_session;
		count_session(-1);
		}

	end_session(session);

	if ( is_foreign(c, session) )
		return;

	local lookup = session_lookup(c, session);
	if ( is_unread(c) )
		lookup$dialect = set("unread");
	else if ( said_nothing(session) && ! lookup?$server )
		return;

	write_rows(lookup, session);
	}

event connection_state_remove(c: connection)
	{
	# The name of a dead server is a sign as well: sessions that nobody answered have rows without a query. Where there is
	# no name either, it is a scan.
	if ( c?$whosasking_session || c$id$resp_p in whois_ports )
		write_session(c);
	}
