##! Lookups in clear HTTP: a lookup server's name in the Host header, or RDAP by the shape of the path or the media type
##! of the answer at any host.

@load base/protocols/http
@load ./dns
@load ./query
@load ./web

module WhosAsking;

redef record HTTP::Info += {
	## The request named the languages the user reads, as browsers do and tools do not.
	whosasking_language: bool &default=F;
	## The answer was RDAP.
	whosasking_rdap: bool &default=F;
};

# Longer paths are cut in the row: the first part tells what was asked.
const max_path = 1024;

# This runs for every header of every message: the name is looked at first.
event http_header(c: connection, is_orig: bool, name: string, value: string)
	{
	if ( name == "ACCEPT-LANGUAGE" )
		{
		if ( is_orig && c?$http )
			c$http$whosasking_language = T;
		}
	else if ( name == "CONTENT-TYPE" && ! is_orig && c?$http && /^application\/rdap\+json/i in value )
		c$http$whosasking_rdap = T;
	}

# A proxy is asked for a whole URL: the path of it.
function path_of(uri: string): string
	{
	return "://" in uri ? sub(uri, /^[A-Za-z]+:\/\/[^\/?#]*/, "") : uri;
	}

function http_host(rec: HTTP::Info): HostMatch
	{
	return rec?$host && rec$host != "" ? match_host(rec$host) : own_answer(rec$id$orig_h, rec$id$resp_h)$host;
	}

# RDAP by the path alone, at a host nobody listed: "/domain/x" is too common a path to say so, "/rdap/domain/x" is not.
function is_rdap_path(path: string): bool
	{
	return "/rdap/" in path && /^[^?]*\/rdap\// in path && parse_rdap(path)?$object;
	}

function judge_user_agent(lookup: Info, rec: HTTP::Info)
	{
	if ( ! rec?$user_agent )
		{
		lookup$client_class = "tool";
		lookup$user_agent_class = "none";
		lookup$client_evidence = vector("request has no User-Agent");
		return;
		}

	lookup$user_agent = rec$user_agent;

	if ( /^(Mozilla|Opera)\// !in rec$user_agent || /compatible; / in rec$user_agent && /MSIE/ !in rec$user_agent )
		{
		lookup$client_class = "tool";
		lookup$user_agent_class = "tool";
		lookup$client_evidence = vector("User-Agent names no browser");
		}
	else if ( rec$whosasking_language )
		{
		lookup$client_class = "browser";
		lookup$user_agent_class = "browser";
		lookup$client_evidence = vector("User-Agent and Accept-Language of a browser");
		}
	else
		{
		lookup$client_class = "tool";
		lookup$user_agent_class = "masquerade";
		lookup$client_evidence = vector("User-Agent claims a browser but no Accept-Language comes with it");
		}
	}

# The same host may serve RDAP, Whois-RWS and pages.
function fill_object(lookup: Info)
	{
	local request = parse_rdap(lookup$query);

	if ( ! request?$object && lookup$channel == "web" )
		request = parse_rws(lookup$query);

	if ( ! request?$object && lookup$channel == "web" )
		request = parse_web(lookup$query);

	if ( ! request?$object )
		return;

	lookup$object = request$object;
	lookup$kind = request$kind;
	}

function name_http_server(lookup: Info, rec: HTTP::Info, host: HostMatch)
	{
	if ( rec?$host && rec$host != "" )
		{
		lookup$server = host$listed ? host$name : rec$host;
		lookup$server_source = "host";
		}
	else if ( host$listed )
		{
		lookup$server = host$name;
		lookup$server_source = "dns";
		}

	if ( host$listed )
		{
		lookup$catalogue_kind = host$kind;
		lookup$noise = host$noise;
		}
	}

function measure_http(lookup: Info, rec: HTTP::Info)
	{
	lookup$queries = 1;
	lookup$orig_bytes = rec$request_body_len;
	lookup$resp_bytes = rec$response_body_len;

	if ( rec?$status_code )
		{
		lookup$duration = network_time() - rec$ts;

		if ( rec$status_code == 404 )
			lookup$outcome = "no match";
		else if ( rec$status_code == 429 )
			lookup$outcome = "rate limited";
		else if ( rec$status_code == 401 || rec$status_code == 403 )
			lookup$outcome = "refused";
		else if ( rec$status_code >= 300 && rec$status_code < 400 )
			lookup$outcome = "referral";
		else if ( rec$status_code == 200 )
			lookup$outcome = "found";
		}
	}

event HTTP::log_http(rec: HTTP::Info)
	{
	# What a proxy tunnels is TLS, and a row of its own.
	if ( ! rec?$uri || rec?$method && rec$method == "CONNECT" )
		return;

	local host = http_host(rec);
	local is_rdap = rec$whosasking_rdap || is_rdap_path(rec$uri);

	if ( ! host$listed && ! is_rdap )
		return;

	local lookup = Info($ts=rec$ts, $uid=rec$uid, $id=rec$id, $transport="http",
	                    $channel=is_rdap || host$kind == "rdap" ? "rdap" : "web", $query=path_of(rec$uri)[:max_path]);
	name_http_server(lookup, rec, host);

	fill_object(lookup);
	judge_user_agent(lookup, rec);
	measure_http(lookup, rec);
	write(lookup);
	}
