##! Reads what the URL of a lookup site or API asks about: "/lookup?q=example.com", "/whois/192.0.2.1".

@load ./query

module WhosAsking;

export {
	## Parameters of lookup sites that hold the object, the most telling first.
	option object_parameters: vector of string = { "domain", "domainname", "domain_name", "query", "q", "ip", "addr", "address",
	    "ipaddress", "host", "hostname", "name", "target", "search", "searchtext", "keyword", "term", "term1", "identifier",
	    "resource", "query-string", "asn", "as", "object", "input", "value", "url", "registrant", "email", "company" };

	## Reads a URL path at a listed lookup site; no object when it asks about nothing (a style sheet, the start page).
	global parse_web: function(path: string): Request;
}

# Parameters that hold people, whatever their values look like.
const kind_of_parameter = table(
	["registrant"] = "person",
	["email"] = "person",
	["company"] = "organisation",
);

# Parts of a site, which are spelt like domains.
const site_file = /.*\.(css|m?js|json|png|jpe?g|gif|svg|ico|webp|woff2?|ttf|map|xml|txt|html?|php[0-9]?|aspx?|jsp|pl|cgi|action)/i;

function parse_parameters(search: string): table[string] of string
	{
	local found: table[string] of string;

	for ( _, field in split_string(search, /&/) )
		{
		local equals = strstr(field, "=");

		if ( equals > 0 && equals < |field| )
			found[to_lower(field[:equals - 1])] = unescape_URI(subst_string(field[equals:], "+", " "));
		}

	return found;
	}

function parse_by_parameters(search: string): Request
	{
	local given = parse_parameters(search);

	for ( _, name in object_parameters )
		{
		if ( name !in given )
			next;

		local object = strip(sub(sub(given[name], /^https?:\/\//, ""), /\/+$/, ""));
		if ( object == "" )
			next;

		local request = Request();
		if ( name in kind_of_parameter )
			request$kind = kind_of_parameter[name];

		settle(request, object);
		return request;
		}

	return Request();
	}

function parse_by_segments(path: string): Request
	{
	local parts = split_string(path, /\//);

	for ( i, part in parts )
		{
		local object = unescape_URI(part);
		local kind = kind_of(object);

		if ( kind !in set("domain", "ip", "asn") || site_file == object )
			next;

		if ( kind == "ip" && i + 1 < |parts| && /[0-9]{1,3}/ == parts[i + 1] )
			object = cat(object, "/", parts[i + 1]);

		local request = Request();
		settle(request, object);
		return request;
		}

	return Request();
	}

function parse_web(path: string): Request
	{
	local bare = sub(path, /#.*$/, "");
	local question = strstr(bare, "?");

	if ( question > 0 )
		{
		local asked = parse_by_parameters(bare[question:]);

		if ( asked?$object )
			return asked;

		bare = bare[:question - 1];
		}

	return parse_by_segments(bare);
	}
