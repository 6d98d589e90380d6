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

	## Matches names with a label whois or rdap, listed or not (whois.nic.example, example-rdap.net). F leaves only the
	## catalogue's names.
	option match_labels = T;

	## Holds a host name, possibly with a port, against the catalogue.
	global match_host: function(name: string): HostMatch;
}

@load ./hosts-data

# No name on the wire is longer (RFC 1035); what is, is no name, and walking its labels would cost.
const max_name_length = 253;

function normalise(name: string): string
	{
	local host = to_lower(name);

	if ( /:[0-9]+$/ in host )
		host = sub(host, /:[0-9]+$/, "");

	return ends_with(host, ".") ? host[:-1] : host;
	}

function match_suffix(host: string): HostMatch
	{
	local rest = host;

	while ( |rest| > 0 )
		{
		if ( rest in catalogue_suffix )
			return HostMatch($listed=T, $name=host, $how="suffix", $kind=catalogue_suffix[rest]$kind,
			                 $noise=catalogue_suffix[rest]$noise);

		local dot = strstr(rest, ".");
		if ( dot == 0 )
			break;

		rest = rest[dot:];
		}

	return HostMatch($listed=F);
	}

function match_host(name: string): HostMatch
	{
	if ( |name| == 0 || |name| > max_name_length )
		return HostMatch($listed=F);

	local host = normalise(name);

	if ( host in catalogue_exact )
		return HostMatch($listed=T, $name=host, $how="exact", $kind=catalogue_exact[host]$kind,
		                 $noise=catalogue_exact[host]$noise);

	local by_suffix = match_suffix(host);
	if ( by_suffix$listed )
		return by_suffix;

	if ( match_labels && /(^|[.-])(whois|rdap)([.-]|$)/ in host )
		return HostMatch($listed=T, $name=host, $how="label", $noise="medium",
		                 $kind=/(^|[.-])rdap([.-]|$)/ in host ? "rdap" : "whois43");

	return HostMatch($listed=F);
	}
