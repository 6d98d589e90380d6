##! Addresses that DNS answers gave a client for lookup servers: they name connections that hide the name themselves.

@load base/protocols/dns
@load ./hosts

module WhosAsking;

export {
	## How long after its TTL an answer still names connections: resolvers and browsers keep addresses longer.
	const answer_grace = 10 min &redef;

	## How long an answer is kept at most, whatever its TTL.
	const answer_lifetime = 1 day &redef;

	## Answers kept at most; beyond it new ones are not kept.
	const max_answers = 100000 &redef;

	## How soon after an answer to a client of the other family (IPv4, IPv6) a connection is put down to the name: a
	## client that has both asks from the one and connects from the other. 0 secs never does.
	const dual_stack_window = 5 sec &redef;

	## The lookup server that a DNS answer stood for.
	type Answer: record {
		## The server; not listed when there was no answer.
		host: HostMatch;
		## How it is known, as in a whois.log row: dns or dns_other.
		source: string &default="dns";
		## Who had asked.
		client: addr &optional;
		## When the answer came.
		ts: time &optional;
		## Until when it held.
		until: time &optional;
	};

	## What an answer to this client stood for at this address.
	global own_answer: function(client: addr, server: addr): Answer;

	## The same, or failing that what an answer to a client of the other family just stood for.
	global likely_answer: function(client: addr, server: addr): Answer;

	## The same, or failing that what an answer to anybody stood for. Only for sessions that are lookups whatever their
	## server is called.
	global any_answer: function(client: addr, server: addr): Answer;
}

global answers: table[addr, addr] of Answer &write_expire=answer_lifetime;
global last_answers: table[addr] of Answer &write_expire=answer_lifetime;

const no_answer = Answer($host=not_listed);

function own_answer(client: addr, server: addr): Answer
	{
	if ( [client, server] in answers && network_time() <= answers[client, server]$until )
		return answers[client, server];

	return no_answer;
	}

# The latest answer to anybody, said to be another's.
function other_answer(server: addr): Answer
	{
	if ( server !in last_answers || network_time() > last_answers[server]$until )
		return no_answer;

	local found = copy(last_answers[server]);
	found$source = "dns_other";
	return found;
	}

function likely_answer(client: addr, server: addr): Answer
	{
	local own = own_answer(client, server);
	if ( own$host$listed )
		return own;

	local other = other_answer(server);
	if ( other?$client && is_v6_addr(other$client) != is_v6_addr(client) && network_time() - other$ts < dual_stack_window )
		return other;

	return own;
	}

function any_answer(client: addr, server: addr): Answer
	{
	local own = own_answer(client, server);
	return own$host$listed ? own : other_answer(server);
	}

function keep_answer(server: addr, answer: Answer)
	{
	if ( |answers| < max_answers )
		answers[answer$client, server] = answer;

	if ( |last_answers| < max_answers )
		last_answers[server] = answer;
	}

event dns_end(c: connection, msg: dns_msg)
	{
	if ( ! c?$dns || ! c$dns?$query || ! c$dns?$answers )
		return;

	local host = match_host(c$dns$query);
	if ( ! host$listed )
		return;

	for ( i, text in c$dns$answers )
		if ( is_valid_ip(text) )
			{
			local ttl = c$dns?$TTLs && i < |c$dns$TTLs| ? c$dns$TTLs[i] : 0 sec;
			keep_answer(to_addr(text), Answer($host=host, $client=c$id$orig_h, $ts=network_time(),
			                                  $until=network_time() + ttl + answer_grace));
			}
	}
