##! Lookups in WHOIS and RDAP databases (ATT&CK T1596.002): one whois.log row for each WHOIS query, each clear HTTP request
##! to a lookup server and each TLS or QUIC session with one.
##!
##! This file holds the log; each way to see a lookup has a file of its own.

@load base/protocols/conn

module WhosAsking;

export {
	redef enum Log::ID += { LOG };

	## Drops rows from whois.log.
	global log_policy: Log::PolicyHook;

	## One lookup.
	type Info: record {
		## When the session or the HTTP request began; in a session of many queries, when this one was sent.
		ts: time &log;
		## The connection, as in conn.log.
		uid: string &log;
		## Who asked whom.
		id: conn_id &log;
		## What was spoken: whois, rdap, or web (a lookup site or API).
		channel: string &log;
		## What it was spoken over: tcp, tls, quic or http.
		transport: string &log;
		## The server's name, as the client used it.
		server: string &log &optional;
		## How the name is known: sni, host (HTTP header), dns (an answer led this client to the address), dns_other (an
		## answer led another client there), or address (there is no name).
		server_source: string &log &default="address";
		## The request: a WHOIS line (cut at max_line bytes) or the path of a URL.
		query: string &log &optional;
		## What the request asks about, without flags.
		object: string &log &optional;
		## Kind of object: domain, ip, cidr, asn, handle, person, organisation, inverse (all that refer to the object), or
		## bulk for a session that opened for many queries and sent none.
		kind: string &log &optional;
		## Queries in this session, those without a row too.
		queries: count &log &optional;
		## Which of them this row is, in a session of many.
		nth: count &log &optional;
		## The line a session of many began with ("begin", "-k", "!!", or just its first query).
		opened_with: string &log &optional;
		## Flags and habits seen in the session: "-T", "n +", "begin", "lf" (no CR), "unterminated", "binary", "cut" (a
		## line longer than is kept), "gap" (packets of it were missed), "capped" (more queries than rows), "unread" (more
		## sessions at once than are read).
		dialect: set[string] &log &optional;
		## Payload bytes the client sent.
		orig_bytes: count &log &optional;
		## Payload bytes the server sent.
		resp_bytes: count &log &optional;
		## How long the session or the request took.
		duration: interval &log &optional;
		## From the first WHOIS query to the first byte of the reply.
		response_time: interval &log &optional;
		## What a clear-text reply says: found, no match, rate limited, refused, referral.
		outcome: string &log &optional;
		## Who asks, by the wire alone: browser, tool or unknown.
		client_class: string &log &default="unknown";
		## Why, strongest first.
		client_evidence: vector of string &log &optional;
		## MD5 of ja3_string.
		ja3: string &log &optional;
		## Version, ciphers, extensions, curves and point formats of the ClientHello, without GREASE.
		ja3_string: string &log &optional;
		## JA4, when a package of the site adds it to ssl.log and the handshake was seen to its end.
		ja4: string &log &optional;
		## The HTTP User-Agent.
		user_agent: string &log &optional;
		## What the User-Agent claims and the other headers say of it: tool, browser, masquerade (claims a browser, without
		## a browser's headers), none.
		user_agent_class: string &log &optional;
		## The catalogue's kind of the server: whois43, rdap, web, api, irr, bulk.
		catalogue_kind: string &log &optional;
		## How much unrelated traffic the server also carries: low, medium, high.
		noise: string &log &optional;
		## The reply looks like encoded data. Not logged; see notices.zeek.
		reply_is_data: bool &default=F;
	};

	## Vetoes a lookup: a handler that breaks leaves no row.
	global lookup_policy: hook(lookup: Info);

	## Raised for each row written.
	global log_whois: event(lookup: Info);

	## Starts a row for a connection.
	global new_lookup: function(c: connection, channel: string, transport: string): Info;

	## Writes a row unless lookup_policy objects.
	global write: function(lookup: Info);
}

function new_lookup(c: connection, channel: string, transport: string): Info
	{
	return Info($ts=c$start_time, $uid=c$uid, $id=c$id, $channel=channel, $transport=transport);
	}

function write(lookup: Info)
	{
	if ( hook lookup_policy(lookup) )
		Log::write(LOG, lookup);
	}

event zeek_init() &priority=5
	{
	Log::create_stream(LOG, Log::Stream($columns=Info, $ev=log_whois, $path="whois", $policy=log_policy));
	}
