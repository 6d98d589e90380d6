##! What a TLS ClientHello, over TCP or QUIC, tells about the client: its JA3 string, and whether browsers build such a one.

@load base/protocols/ssl
@load ./main

module WhosAsking;

export {
	## What a ClientHello holds, collected while it is read.
	type Hello: record {
		## Extension ids in the order sent.
		extensions: index_vec &default=vector();
		## Supported groups.
		curves: index_vec &optional;
		## Elliptic curve point formats.
		point_formats: index_vec &optional;
	};

	## Extension ids that browsers send and no common library does.
	const browser_extensions: table[count] of string = {
		[27] = "compress_certificate",
		[34] = "delegated_credentials",
		[17513] = "application_settings",
		[17613] = "application_settings",
		[65037] = "encrypted_client_hello",
	} &redef;

	## The string JA3 is the MD5 of.
	global ja3_string: function(version: count, ciphers: index_vec, hello: Hello): string;

	## Says who builds such a ClientHello: client_class and client_evidence of a lookup.
	global classify: function(lookup: Info, hello: Hello);
}

redef record connection += {
	whosasking_hello: Hello &optional;
};

# RFC 8701: two equal bytes, the low half of each 0xa.
function is_grease(code: count): bool
	{
	return (code & 0x0f0f) == 0x0a0a && code / 256 == code % 256;
	}

function dashed(codes: index_vec): string
	{
	local parts: string_vec;

	for ( _, code in codes )
		if ( ! is_grease(code) )
			parts += cat(code);

	return join_string_vec(parts, "-");
	}

function ja3_string(version: count, ciphers: index_vec, hello: Hello): string
	{
	return fmt("%d,%s,%s,%s,%s", version, dashed(ciphers), dashed(hello$extensions),
	           hello?$curves ? dashed(hello$curves) : "", hello?$point_formats ? dashed(hello$point_formats) : "");
	}

function browser_evidence(hello: Hello): string_vec
	{
	local found: string_vec;

	for ( _, code in hello$extensions )
		if ( code in browser_extensions )
			found += fmt("ClientHello has extension %d (%s)", code, browser_extensions[code]);

	return found;
	}

# Firefox's plainest ClientHello has none of them, only NSS's habit of sending 18 (signed_certificate_timestamp) together
# with 28 (record_size_limit): of the libraries Go sends only 18, GnuTLS only 28.
function may_be_firefox(hello: Hello): bool
	{
	local sends_18 = F;
	local sends_28 = F;

	for ( _, code in hello$extensions )
		{
		sends_18 = sends_18 || code == 18;
		sends_28 = sends_28 || code == 28;
		}

	return sends_18 && sends_28;
	}

function classify(lookup: Info, hello: Hello)
	{
	local evidence = browser_evidence(hello);

	if ( |evidence| > 0 )
		{
		lookup$client_class = "browser";
		lookup$client_evidence = evidence;
		}
	else if ( may_be_firefox(hello) )
		lookup$client_evidence = vector("ClientHello has extensions 18 and 28: Firefox's library at its plainest");
	else
		{
		lookup$client_class = "tool";
		lookup$client_evidence = vector("ClientHello has no extension that browsers send");
		}
	}

# These run for every extension of every handshake: each statement counts.
event ssl_extension(c: connection, is_client: bool, code: count, val: string)
	{
	if ( ! is_client )
		return;

	if ( ! c?$whosasking_hello )
		c$whosasking_hello = Hello();

	c$whosasking_hello$extensions += code;
	}

# What is in an extension is told before the extension itself.
event ssl_extension_elliptic_curves(c: connection, is_client: bool, curves: index_vec)
	{
	if ( ! is_client )
		return;

	if ( ! c?$whosasking_hello )
		c$whosasking_hello = Hello();

	c$whosasking_hello$curves = curves;
	}

event ssl_extension_ec_point_formats(c: connection, is_client: bool, point_formats: index_vec)
	{
	if ( ! is_client )
		return;

	if ( ! c?$whosasking_hello )
		c$whosasking_hello = Hello();

	c$whosasking_hello$point_formats = point_formats;
	}
