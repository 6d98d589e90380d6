##! WHOIS on any other port: a one-line request and an answer as WHOIS servers give it, or a one-line request to an address
##! that a DNS answer for a WHOIS server led to.

@load base/frameworks/signatures
@load ./whois

module WhosAsking;

export {
	## Looks for WHOIS away from whois_ports.
	option find_odd_ports = T;

	## Ports never looked at: HTTP, mail and shells are found by their own analyzers.
	option not_whois_ports: set[port] = { 21/tcp, 22/tcp, 25/tcp, 53/tcp, 79/tcp, 80/tcp, 110/tcp, 143/tcp, 443/tcp, 587/tcp };

	## Whether a session that looks like WHOIS may be it, by its port. For the signatures.
	global is_whois_port: function(state: signature_state, data: string): bool;

	## Whether a session that looks like WHOIS goes to a WHOIS server by name. For the signatures.
	global is_named_whois: function(state: signature_state, data: string): bool;
}

@load-sigs ./odd-port.sig

function is_whois_port(state: signature_state, data: string): bool
	{
	local p = state$conn$id$resp_p;
	return find_odd_ports && p !in whois_ports && p !in not_whois_ports && ! state$conn?$whosasking_session;
	}

function is_named_whois(state: signature_state, data: string): bool
	{
	local id = state$conn$id;
	return is_whois_port(state, data) && own_answer(id$orig_h, id$resp_h)$host$kind in set("whois43", "irr", "bulk");
	}

event whosasking_found(state: signature_state, data: string)
	{
	open_session(state$conn);
	}
