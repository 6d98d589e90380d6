##! WHOIS sessions (RFC 3912) by port: the first request line, how many followed, and what the reply was.

@load ./dns
@load ./query

module WhosAsking;

export {
	## Ports WHOIS is spoken on. Away from them it is found by the shape of the answer.
	const whois_ports: set[port] = { 43/tcp } &redef;

	## Bytes of a request line that are kept.
	const max_line = 1024 &redef;

	## Lines of a session that are read; further ones are counted.
	const max_lines = 64 &redef;

	## Bytes of a reply that are read to tell its outcome.
	const max_reply = 2048 &redef;

	## What is known of a WHOIS session while it runs. All of it is bounded.
	type Session: record {
		## The line not yet ended.
		partial: string &default="";
		## Lines ended so far, blank ones too.
		lines: count &default=0;
		## Requests among them.
		requests: count &default=0;
		## The first line that is not blank.
		first_line: string &optional;
		## What the first request asks about.
		first: Request &optional;
		## Flags and habits of all lines read.
		dialect: set[string] &default=set();
		## Whether any line opened a session of many requests.
		is_bulk: bool &default=F;
		## The beginning of the reply.
		reply: string &default="";
	};

	## Adds request bytes to a session.
	global add_request: function(session: Session, contents: string);

	## Adds reply bytes to a session.
	global add_reply: function(session: Session, contents: string);

	## Makes the row of a session that has ended.
	global whois_lookup: function(c: connection, session: Session): Info;
}

redef record connection += {
	whosasking_session: Session &optional;
};

redef tcp_content_delivery_ports_orig += { [43/tcp] = T };
redef tcp_content_delivery_ports_resp += { [43/tcp] = T };

# A capture may begin in the middle of a session: port 43 is the server's side then, too.
redef likely_server_ports += { 43/tcp };

# Flags kept of a session.
const max_dialect = 32;

# How other protocols begin; a session that does is none of ours.
const foreign_request = /^(SSH-|\x16\x03|[A-Z]{3,8} [^ ]* HTTP\/|EHLO |HELO |USER )/;
const foreign_reply = /^(SSH-|\x16\x03|HTTP\/[0-9]|220[ -]|\+OK|\* OK)/;

function take_line(session: Session, line: string)
	{
	++session$lines;

	if ( ends_with(line, "\r") )
		add session$dialect["crlf"];
	else
		add session$dialect["lf"];

	local text = strip(line);
	if ( |text| == 0 || session$lines > max_lines )
		return;

	local request = parse_whois(text);

	for ( flag in request$dialect )
		if ( |session$dialect| < max_dialect )
			add session$dialect[flag];

	if ( ! session?$first_line )
		session$first_line = text;

	session$is_bulk = session$is_bulk || request$steers;

	if ( request$steers )
		return;

	++session$requests;

	if ( ! session?$first )
		session$first = request;
	}

function add_request(session: Session, contents: string)
	{
	if ( session$lines >= max_lines )
		{
		local more = count_substr(contents, "\n");
		session$lines += more;
		session$requests += more;
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
	}

function add_reply(session: Session, contents: string)
	{
	if ( |session$reply| < max_reply )
		session$reply += contents[:max_reply - |session$reply|];
	}

# A request that no newline ended.
function take_rest(session: Session)
	{
	if ( |session$partial| == 0 )
		return;

	take_line(session, session$partial);
	session$partial = "";
	delete session$dialect["lf"];
	delete session$dialect["crlf"];
	add session$dialect["unterminated"];
	}

# Short replies are checked for refusals; long ones speak of limits in their terms of use.
function outcome_of(reply: string): string
	{
	if ( |reply| < 1024 && /rate.?limit|exceeded|too many|quota|limit.{0,20}reached|try again later/i in reply )
		return "rate limited";

	if ( |reply| < 1024 && /access.{0,20}denied|not authori[sz]ed|blacklisted|blocked|ERROR:201/i in reply )
		return "refused";

	if ( /no match|not found|no entries found|no data found|nothing found|ERROR:101|status:[ \t]*(free|available)/i in reply )
		return "no match";

	if ( /(^|\n)(refer|ReferralServer):/ in reply )
		return "referral";

	return /(^|\n)[ \t]*[A-Za-z][A-Za-z0-9 \/-]*:[ \t]*[^ \t\r\n]|(^|\n)[0-9]+ +\|/ in reply ? "found" : "";
	}

function is_foreign(c: connection, session: Session): bool
	{
	for ( service in c$service )
		if ( ! starts_with(service, "-") )
			return T;

	local start = session?$first_line ? session$first_line : session$partial;
	return foreign_request in start || foreign_reply in session$reply;
	}

function fill_request(lookup: Info, session: Session)
	{
	if ( ! session?$first_line )
		return;

	lookup$query = session$first_line;
	lookup$queries = session$requests;
	lookup$dialect = session$dialect;

	if ( session?$first && session$first?$object )
		{
		lookup$object = session$first$object;
		lookup$kind = session$first$kind;
		}

	if ( session$is_bulk || session$requests > 1 )
		lookup$kind = "bulk";
	}

function whois_lookup(c: connection, session: Session): Info
	{
	local lookup = new_lookup(c, "whois", "tcp");
	local host = answered_host_to_any(c$id$orig_h, c$id$resp_h);

	if ( host$listed )
		{
		lookup$server = host$name;
		lookup$server_source = "dns";
		lookup$catalogue_kind = host$kind;
		lookup$noise = host$noise;
		}

	take_rest(session);
	delete session$dialect["crlf"];
	fill_request(lookup, session);

	local outcome = outcome_of(session$reply);
	if ( outcome != "" )
		lookup$outcome = outcome;

	# Browsers do not speak WHOIS.
	lookup$client_class = "tool";
	lookup$client_evidence = vector("speaks WHOIS");
	lookup$orig_bytes = c$orig$size;
	lookup$resp_bytes = c$resp$size;
	lookup$duration = c$duration;
	return lookup;
	}

event tcp_contents(c: connection, is_orig: bool, seq: count, contents: string)
	{
	if ( c$id$resp_p !in whois_ports )
		return;

	if ( ! c?$whosasking_session )
		c$whosasking_session = Session();

	if ( is_orig )
		add_request(c$whosasking_session, contents);
	else
		add_reply(c$whosasking_session, contents);
	}

event connection_state_remove(c: connection)
	{
	# A dead server's name is a sign as well: sessions that nobody answered have rows without a query.
	if ( c$id$resp_p !in whois_ports && ! c?$whosasking_session )
		return;

	local session = c?$whosasking_session ? c$whosasking_session : Session();

	if ( ! is_foreign(c, session) )
		write(whois_lookup(c, session));
	}
