##! Lookups over TLS and QUIC: the name is in the ClientHello, or a DNS answer led the client to the address.

@load base/protocols/quic
@load base/protocols/ssl
@load ./client-hello
@load ./dns

module WhosAsking;

export {
	## Outer names that stand for any host of their operator in an Encrypted Client Hello: they hide the name as well as
	## none would.
	option shared_outer_names: set[string] = { "cloudflare-ech.com" };
}

redef record connection += {
	## The lookup this TLS or QUIC session is, until it ends.
	whosasking: Info &optional;
};

# The name in the ClientHello; "" when it has none or only one that hides the real one.
function visible_name(c: connection): string
	{
	if ( ! c?$ssl || ! c$ssl?$server_name )
		return "";

	return c$ssl$server_name in shared_outer_names ? "" : c$ssl$server_name;
	}

function start_tls_lookup(c: connection, host: HostMatch, source: string): Info
	{
	local lookup = new_lookup(c, host$kind == "rdap" ? "rdap" : "web", c?$quic ? "quic" : "tls");
	lookup$server = host$name;
	lookup$server_source = source;
	lookup$catalogue_kind = host$kind;
	lookup$noise = host$noise;
	return lookup;
	}

# The server by the name in the ClientHello, or by the DNS answer that led here when the name is hidden.
function find_server(c: connection): Answer
	{
	local name = visible_name(c);
	if ( name == "" )
		return likely_answer(c$id$orig_h, c$id$resp_h);

	local host = match_host(name);
	return host$listed ? Answer($host=host, $source="sni") : no_answer;
	}

event ssl_client_hello(c: connection, version: count, record_version: count, possible_ts: time, client_random: string,
                       session_id: string, ciphers: index_vec, comp_methods: index_vec)
	{
	# A second ClientHello answers a HelloRetryRequest: same client, same lookup.
	local found = c?$whosasking ? no_answer : find_server(c);

	if ( found$host$listed )
		{
		local hello = c?$whosasking_hello ? c$whosasking_hello : Hello();
		c$whosasking = start_tls_lookup(c, found$host, found$source);
		c$whosasking$ja3_string = ja3_string(version, ciphers, hello);
		c$whosasking$ja3 = md5_hash(c$whosasking$ja3_string);
		classify(c$whosasking, hello);
		}

	delete c$whosasking_hello;
	}

# The column is another package's: whether it is there is known only at run time.
function add_ja4(c: connection)
	{
	if ( ! c?$ssl )
		return;

	local fields = record_fields(c$ssl);

	if ( "ja4" in fields && fields["ja4"]?$value )
		{
		local fingerprint = cat(fields["ja4"]$value);

		if ( fingerprint != "" )
			c$whosasking$ja4 = fingerprint;
		}
	}

event connection_state_remove(c: connection)
	{
	if ( ! c?$whosasking )
		return;

	add_ja4(c);
	c$whosasking$orig_bytes = c$orig$size;
	c$whosasking$resp_bytes = c$resp$size;
	c$whosasking$duration = c$duration;
	write(c$whosasking);
	}
