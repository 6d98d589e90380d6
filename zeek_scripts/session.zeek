##! One WHOIS session while it runs: its lines become queries, the beginning of its reply is kept. All of it is bounded.

@load ./query

module WhosAsking;

export {
	## Bytes of a request line that are kept.
	const max_line = 1024 &redef;

	## Rows of one session; further queries are counted only, and the rows flagged "capped".
	const max_rows = 64 &redef;

	## Bytes of queries that are kept of one session; what is beyond counts as what is beyond max_rows.
	const max_kept = 8192 &redef;

	## Bytes of a reply that are read to tell its outcome.
	const max_reply = 2048 &redef;

	## A query of a session.
	type SessionQuery: record {
		## When its line ended.
		ts: time;
		## The line.
		line: string;
		## What it asks.
		request: Request;
	};

	## What is known of a session.
	type Session: record {
		## The line not yet ended.
		partial: string &default="";
		## Lines ended so far, blank ones too.
		lines: count &default=0;
		## Queries among them.
		requests: count &default=0;
		## The first line that is not blank.
		first_line: string &optional;
		## The queries, up to max_rows.
		queries: vector of SessionQuery &default=vector();
		## Bytes of them.
		kept: count &default=0;
		## Flags and habits of all lines read.
		dialect: set[string] &default=set();
		## Whether any line opened a session of many queries.
		is_bulk: bool &default=F;
		## When the first line ended.
		asked: time &optional;
		## When the reply began.
		answered: time &optional;
		## The beginning of the reply.
		reply: string &default="";
	};

	## Adds request bytes to a session.
	global add_request: function(session: Session, contents: string);

	## Adds reply bytes to a session.
	global add_reply: function(session: Session, contents: string);

	## Ends a session: takes a request that no newline ended.
	global end_session: function(session: Session);
}

# Flags kept of a session.
const max_dialect = 32;

# Bytes kept of a line that is no text: enough to see what it is.
const max_binary = 64;

# Blank and steering lines must not keep a session in reading for ever.
const lines_per_row = 4;

function is_full(session: Session): bool
	{
	return |session$queries| >= max_rows || session$kept >= max_kept || session$lines >= max_rows * lines_per_row;
	}

function note_habits(session: Session, request: Request)
	{
	for ( flag in request$dialect )
		if ( |session$dialect| < max_dialect )
			add session$dialect[flag];
	}

function shorten_binary(session: Session, text: string, request: Request): string
	{
	if ( "binary" !in request$dialect || |text| <= max_binary )
		return text;

	add session$dialect["cut"];
	return text[:max_binary];
	}

function take_text(session: Session, line: string)
	{
	local request = parse_whois(line);
	local text = shorten_binary(session, line, request);
	note_habits(session, request);

	if ( ! session?$first_line )
		{
		session$first_line = text;
		session$asked = network_time();
		}

	session$is_bulk = session$is_bulk || request$steers;

	if ( request$steers )
		return;

	++session$requests;
	session$kept += |text|;
	session$queries += SessionQuery($ts=network_time(), $line=text, $request=request);
	}

function take_line(session: Session, line: string)
	{
	++session$lines;
	add session$dialect[ends_with(line, "\r") ? "crlf" : "lf"];

	local text = strip(line);
	if ( |text| == 0 )
		return;

	if ( ! is_full(session) )
		take_text(session, text);
	else if ( to_lower(text) != "end" )
		++session$requests;
	}

# Lines of a full session are counted without looking at them, but for the "end" of one in bulk.
function count_lines(session: Session, contents: string)
	{
	local more = count_substr(contents, "\n");
	session$lines += more;
	session$requests += more > 0 && /(^|\n)end\r?\n$/ in contents ? more - 1 : more;
	}

function add_request(session: Session, contents: string)
	{
	if ( is_full(session) && session$partial == "" )
		{
		count_lines(session, contents);
		return;
		}

	local lines = split_string(contents, /\n/);
	local last = |lines| - 1;

	for ( i, line in lines )
		{
		session$partial += line[:max_line];

		if ( |session$partial| > max_line )
			{
			session$partial = session$partial[:max_line];
			add session$dialect["cut"];
			}

		if ( i == last )
			break;

		take_line(session, session$partial);
		session$partial = "";
		}

	if ( is_full(session) )
		session$partial = "";
	}

function add_reply(session: Session, contents: string)
	{
	if ( session?$asked && ! session?$answered )
		session$answered = network_time();

	if ( |session$reply| < max_reply )
		session$reply += contents[:max_reply - |session$reply|];
	}

function end_session(session: Session)
	{
	if ( |session$partial| > 0 )
		{
		take_line(session, session$partial);
		session$partial = "";
		delete session$dialect["lf"];
		add session$dialect["unterminated"];
		}

	delete session$dialect["crlf"];

	if ( session$requests > |session$queries| )
		add session$dialect["capped"];
	}
