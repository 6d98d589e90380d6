##! Addresses that DNS answers gave a client for lookup servers: they name connections that hide the name themselves.

@load base/protocols/dns
@load ./hosts

module WhosAsking;

export {
	## How long after an answer a connection to its address is put down to the name.
	const answer_lifetime = 1 hr &redef;

	## Answers kept at most; beyond it new ones are not kept.
	const max_answers = 100000 &redef;

	## The lookup server a DNS answer to this client stood for at this address; not listed when there was none.
	global answered_host: function(client: addr, server: addr): HostMatch;

	## The same, or failing that what an answer to anybody said. Only for sessions that are lookups whatever their server
	## is called: a client with an IPv4 and an IPv6 address asks for names from the one and connects from the other.
	global answered_host_to_any: function(client: addr, server: addr): HostMatch;
}

global answers: table[addr, addr] of HostMatch &write_expire=answer_lifetime;
global answers_to_any: table[addr] of HostMatch &write_expire=answer_lifetime;

function answered_host(client: addr, server: addr): HostMatch
	{
	if ( [client, server] in answers )
		return answers[client, server];

	return HostMatch($listed=F);
	}

function answered_host_to_any(client: addr, server: addr): HostMatch
	{
	if ( [client, server] !in answers && server in answers_to_any )
		return answers_to_any[server];

	return answered_host(client, server);
	}

function keep_answer(client: addr, server: addr, host: HostMatch)
	{
	if ( |answers| < max_answers )
		answers[client, server] = host;

	if ( |answers_to_any| < max_answers )
		answers_to_any[server] = host;
	}

event dns_end(c: connection, msg: dns_msg)
	{
	if ( ! c?$dns || ! c$dns?$query || ! c$dns?$answers )
		return;

	local host = match_host(c$dns$query);
	if ( ! host$listed )
		return;

	for ( _, answer in c$dns$answers )
		if ( is_valid_ip(answer) )
			keep_answer(c$id$orig_h, to_addr(answer), host);
	}
