##! Which names are lookup servers: the catalogue's exact names and domains, and labels that say it themselves.

@load ./main

module WhosAsking;

export {
	## What the catalogue says of a server.
	type HostInfo: record {
		## whois43, rdap, web, api, irr or bulk.
		kind: string;
		## How much unrelated traffic it also carries: low, medium or high.
		noise: string;
	};

	## A name held against the catalogue.
	type HostMatch: record {
		## Whether it is a lookup server at all; the other fields are set only then.
		listed: bool;
		## The name, lower case, without port and trailing dot.
		name: string &default="";
		## How it matched: exact, suffix or label.
		how: string &default="";
		## The catalogue's kind.
		kind: string &default="";
		## The catalogue's noise grade.
		noise: string &default="";
	};

	## Names that are lookup servers.
	const catalogue_exact: table[string] of HostInfo = {} &redef;

	## Domains that are lookup servers with everything below them.
	const catalogue_suffix: table[string] of HostInfo = {} &redef;

	## Servers from a file, by name and match: exact, or suffix for everything below the name too. They come before the
	## catalogue's. Call compile_domains after a change.
	global listed_hosts: table[string, string] of HostInfo = {};

	## Matches names with a label whois or rdap, listed or not (whois.nic.example, example-rdap.net). F leaves only the
	## catalogue's names.
	option match_labels = T;

	## Gets ready to look for the domains of listed_hosts and the catalogue.
	global compile_domains: function();

	## Holds a host name, possibly with a port, against the catalogue.
	global match_host: function(name: string): HostMatch;
}

@load ./hosts-data

# No name on the wire is longer (RFC 1035); what is, is no name, and walking its labels would cost.
const max_name_length = 253;

# All domains at once, so that nearly every name is done with after one look.
global any_domain: pattern;

function compile_domains()
	{
	local domains: set[string];

	for ( name in catalogue_suffix )
		add domains[name];

	for ( [own, match] in listed_hosts )
		if ( match == "suffix" )
			add domains[own];

	any_domain = set_to_regex(domains, "(.*\\.)?(~~)");
	}

event zeek_init() &priority=10
	{
	compile_domains();
	}

# Made once: most names asked about are not listed, and making records costs.
const not_listed = HostMatch($listed=F);

function normalise(name: string): string
	{
	local host = to_lower(name);

	if ( ":" in host )
		host = sub(host, /:[0-9]+$/, "");

	return ends_with(host, ".") ? host[:-1] : host;
	}

function matched(host: string, how: string, info: HostInfo): HostMatch
	{
	return HostMatch($listed=T, $name=host, $how=how, $kind=info$kind, $noise=info$noise);
	}

# The longest domain that the name is or is below.
function match_suffix(host: string): HostMatch
	{
	local rest = host;
	local dot = 0;

	while ( |rest| > 0 )
		{
		if ( [rest, "suffix"] in listed_hosts )
			return matched(host, "suffix", listed_hosts[rest, "suffix"]);

		if ( rest in catalogue_suffix )
			return matched(host, "suffix", catalogue_suffix[rest]);

		dot = strstr(rest, ".");
		if ( dot == 0 )
			break;

		rest = rest[dot:];
		}

	return not_listed;
	}

function match_exact(host: string): HostMatch
	{
	if ( [host, "exact"] in listed_hosts )
		return matched(host, "exact", listed_hosts[host, "exact"]);

	if ( host in catalogue_exact )
		return matched(host, "exact", catalogue_exact[host]);

	return not_listed;
	}

function match_label(host: string): HostMatch
	{
	if ( ! match_labels || /(^|[.-])(whois|rdap)([.-]|$)/ !in host )
		return not_listed;

	local kind = /(^|[.-])rdap([.-]|$)/ in host ? "rdap" : "whois43";
	return matched(host, "label", HostInfo($kind=kind, $noise="medium"));
	}

# Whether a name may be listed: this runs for every name on the wire, the rest for few.
function may_match(host: string): bool
	{
	return host in catalogue_exact || any_domain == host || "whois" in host || "rdap" in host ||
	       |listed_hosts| > 0 && [host, "exact"] in listed_hosts;
	}

function match_host(name: string): HostMatch
	{
	if ( |name| == 0 || |name| > max_name_length )
		return not_listed;

	local host = /[A-Z:]|\.$/ in name ? normalise(name) : name;
	if ( ! may_match(host) )
		return not_listed;

	local found = match_exact(host);
	if ( ! found$listed )
		found = match_suffix(host);

	return found$listed ? found : match_label(host);
	}
