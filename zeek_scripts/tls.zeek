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

# The name in the ClientHello; "" when it has none or only one that hides the real one.
function visible_name(c: connection): string
	{
	if ( ! c?$ssl || ! c$ssl?$server_name )
		return "";

	return to_lower(c$ssl$server_name) in shared_outer_names ? "" : c$ssl$server_name;
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

event ssl_client_hello(c: connection, version: count, record_version: count, possible_ts: time, client_random: string,
                       session_id: string, ciphers: index_vec, comp_methods: index_vec)
	{
	local hello = c?$whosasking_hello ? c$whosasking_hello : Hello();
	delete c$whosasking_hello;

	local name = visible_name(c);
	local host = name == "" ? answered_host(c$id$orig_h, c$id$resp_h) : match_host(name);

	# A second ClientHello answers a HelloRetryRequest: same client, same lookup.
	if ( ! host$listed || c?$whosasking )
		return;

	hello$ciphers = ciphers;
	c$whosasking = start_tls_lookup(c, host, name == "" ? "dns" : "sni");
	c$whosasking$ja3_string = ja3_string(version, hello);
	c$whosasking$ja3 = md5_hash(c$whosasking$ja3_string);
	classify(c$whosasking, hello);
	}
