##! Reads what a request asks about: WHOIS lines (RFC 3912 and the dialects of the registries), RDAP paths (RFC 9082) and
##! the paths of ARIN's Whois-RWS.

@load ./main

module WhosAsking;

export {
	## One request.
	type Request: record {
		## What is asked about, without flags; absent in lines that only steer the session (begin, -k, !!).
		object: string &optional;
		## Kind of object, as in a whois.log row; absent when it cannot be told.
		kind: string &optional;
		## Flags and habits seen.
		dialect: set[string] &default=set();
		## Whether the line opens, steers or ends a session of many requests.
		steers: bool &default=F;
	};

	## Reads one WHOIS request line, without its line end.
	global parse_whois: function(line: string): Request;

	## Reads a URL path; no object when it is no RDAP path.
	global parse_rdap: function(path: string): Request;

	## Reads a URL path of Whois-RWS ("/rest/ip/192.0.2.1", "/rest/pocs;domain=example.com"); no object when it is none.
	global parse_rws: function(path: string): Request;
}

# Flags kept of a request, and bytes of each: whoever writes the line chooses both.
const max_flags = 8;
const max_flag = 16;

# RIPE-like flags that take the next word with them; letters may be bundled ("-Bri admin-c").
const flags_with_value = /^-([A-Za-z]*[VTistq]|-charset|-types|-inverse|-sources|-client|-template)$/;

# RIPE-like flags that search for everything referring to an object.
const inverse_flag = /^-([A-Za-z]*i|-inverse)$/;

# ARIN's leading letters and marks, each a word of its own.
const arin_prefix = /^([nrapodsczgev]|[+=!@.*>])$/;

const kind_of_type = table(
	["person"] = "person",
	["role"] = "person",
	["organisation"] = "organisation",
	["p"] = "person",
	["o"] = "organisation",
	["a"] = "asn",
);

function kind_of(object: string): string
	{
	if ( /^[aA][sS][0-9]+$/ == object )
		return "asn";

	if ( is_valid_ip(object) )
		return "ip";

	local slash = strstr(object, "/");
	if ( slash > 0 && is_valid_ip(object[:slash - 1]) )
		return "cidr";

	if ( / |@/ in object )
		return "person";

	return /[^.]\.[^.]/ in object ? "domain" : "handle";
	}

# "AS64496" for "as64496" and "64496".
function as_number(text: string): string
	{
	return to_upper(/^[0-9]+$/ == text ? "AS" + text : text);
	}

function settle(request: Request, object: string)
	{
	if ( |object| == 0 )
		return;

	if ( ! request?$kind )
		request$kind = kind_of(object);

	request$object = request$kind == "asn" ? as_number(object) : object;
	}

function note(request: Request, flag: string)
	{
	if ( |request$dialect| < max_flags )
		add request$dialect[flag[:max_flag]];
	}

# Takes "-T person" and the like off the front; returns the index of the first word after them.
function take_flags(words: string_vec, request: Request): count
	{
	local i = 0;

	while ( i < |words| && /^-./ in words[i] )
		{
		local flag = words[i];
		local equals = strstr(flag, "=");
		note(request, equals == 0 ? flag : flag[:equals - 1]);
		++i;

		if ( /^--inverse=/ in flag )
			request$kind = "inverse";

		if ( flags_with_value == flag && i < |words| )
			{
			if ( flag == "-T" && to_lower(words[i]) in kind_of_type )
				request$kind = kind_of_type[to_lower(words[i])];
			else if ( inverse_flag == flag )
				request$kind = "inverse";

			++i;
			}
		}

	return i;
	}

# Takes "n +" and the like off the front of an ARIN request. A lone letter is an object.
function take_arin_prefix(words: string_vec, first: count, request: Request): count
	{
	local i = first;

	while ( i + 1 < |words| && arin_prefix == words[i] )
		{
		if ( words[i] in kind_of_type )
			request$kind = kind_of_type[words[i]];

		++i;
		}

	if ( i > first )
		note(request, join_string_vec(words[first:i], " "));

	return i;
	}

# "domain example.com" (Verisign), "=example.com" (Verisign), "example.jp/e" (JPNIC).
function take_affixes(words: string_vec, first: count, request: Request): string
	{
	local i = first;

	if ( i + 1 < |words| && /^(domain|nameserver|registrar)$/ == to_lower(words[i]) )
		{
		note(request, to_lower(words[i]));
		++i;
		}

	local object = join_string_vec(words[i:], " ");

	if ( /^=./ in object )
		{
		note(request, "=");
		object = object[1:];
		}

	if ( /\/[eE]$/ in object )
		{
		note(request, "/e");
		object = object[:-2];
		}

	return object;
	}

# IRRd: "!gAS64496", "!iAS-EXAMPLE,1", "!r192.0.2.0/24,o".
function parse_irrd(line: string): Request
	{
	local request = Request($dialect=set(line[0:2]));
	local object = |line| > 2 ? sub(line[2:], /,.*$/, "") : "";
	request$steers = |object| == 0 || /^![!qtnsJv]/ in line;

	if ( ! request$steers )
		settle(request, object);

	return request;
	}

function parse_whois(line: string): Request
	{
	local text = strip(line);

	if ( /[\x00-\x08\x0e-\x1f\x7f]/ in text )
		return Request($dialect=set("binary"));

	if ( /^(begin|end|verbose|noverbose|header|noheader)$/ == to_lower(text) )
		return Request($steers=T, $dialect=set(to_lower(text)));

	if ( /^![a-zA-Z6!]/ in text )
		return parse_irrd(text);

	local request = Request();
	local words = split_string(text, /[ \t]+/);
	local first = take_flags(words, request);
	request$steers = first == |words| && "-k" in request$dialect;

	if ( first < |words| )
		settle(request, take_affixes(words, take_arin_prefix(words, first, request), request));

	return request;
	}

const rdap_kinds = table(
	["domain"] = "domain",
	["domains"] = "domain",
	["nameserver"] = "domain",
	["nameservers"] = "domain",
	["ip"] = "ip",
	["autnum"] = "asn",
	["entity"] = "handle",
	["entities"] = "handle",
);

# The first value of a search ("?fn=Example*" gives "Example*"), with its kind where the name of the value tells it.
function parse_rdap_search(search: string, kind: string): Request
	{
	local equals = strstr(search, "=");
	if ( equals == 0 )
		return Request();

	local by_name = search[:equals - 1] == "fn";
	return Request($object=sub(search[equals:], /&.*$/, ""), $kind=by_name ? "person" : kind);
	}

# What stands after the last RDAP word of a path: "/registry/ip/192.0.2.0/24", "/com/v1/domain/EXAMPLE.COM".
function parse_rdap_object(parts: string_vec, at: count): Request
	{
	local kind = rdap_kinds[parts[at]];
	local object = parts[at + 1];

	if ( kind == "ip" && ! is_valid_ip(object) || kind == "asn" && /^[0-9]+$/ != object || object == "" )
		return Request();

	if ( kind == "ip" && at + 2 < |parts| && /^[0-9]{1,3}$/ == parts[at + 2] )
		return Request($object=cat(object, "/", parts[at + 2]), $kind="cidr");

	return Request($object=kind == "asn" ? as_number(object) : object, $kind=kind);
	}

function parse_rdap(path: string): Request
	{
	local question = strstr(path, "?");
	local parts = split_string(question == 0 ? path : path[:question - 1], /\//);
	local last = |parts| - 1;

	if ( question > 0 && /s$/ in parts[last] && parts[last] in rdap_kinds )
		return parse_rdap_search(path[question:], rdap_kinds[parts[last]]);

	while ( last > 0 )
		{
		--last;

		if ( parts[last] in rdap_kinds )
			return parse_rdap_object(parts, last);
		}

	return Request();
	}

const rws_kinds = table(
	["ip"] = "ip",
	["cidr"] = "cidr",
	["asn"] = "asn",
	["org"] = "handle",
	["orgs"] = "organisation",
	["net"] = "handle",
	["poc"] = "handle",
	["pocs"] = "person",
);

function parse_rws(path: string): Request
	{
	if ( /^\/rest\/[a-z]+[\/;]/ !in path )
		return Request();

	local parts = split_string(sub(path[6:], /[?].*$/, ""), /[\/;]/);
	local object = sub(join_string_vec(parts[1:], "/"), /^[a-z]+=/, "");

	if ( parts[0] !in rws_kinds || object == "" )
		return Request();

	return Request($object=object, $kind=/;domain=/ in path ? "domain" : rws_kinds[parts[0]]);
	}
