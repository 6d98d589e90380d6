##! WHOIS on any other port: a one-line request and an answer as WHOIS servers give it, or a one-line request to an address
##! that a DNS answer for a WHOIS server led to.

@load ./whois

module WhosAsking;

export {
	## Ports never looked at: HTTP, mail and shells are found by their own analyzers.
	option not_whois_ports: set[port] = { 21/tcp, 22/tcp, 25/tcp, 53/tcp, 79/tcp, 80/tcp, 110/tcp, 143/tcp, 443/tcp, 587/tcp };
}

redef record connection += {
	## A request line that may be WHOIS, until the answer says.
	whosasking_line: string &optional;
};

@load-sigs ./odd-port.sig

function confirm(c: connection)
	{
	if ( c?$whosasking_session || ! c?$whosasking_line )
		return;

	c$whosasking_session = Session();
	add_request(c$whosasking_session, c$whosasking_line);
	}

event whosasking_request(state: signature_state, data: string)
	{
	local c = state$conn;

	if ( c$id$resp_p in whois_ports || c$id$resp_p in not_whois_ports )
		return;

	c$whosasking_line = data[:max_line];

	if ( answered_host(c$id$orig_h, c$id$resp_h)$kind in set("whois43", "irr", "bulk") )
		confirm(c);
	}

event whosasking_answer(state: signature_state, data: string)
	{
	confirm(state$conn);

	if ( state$conn?$whosasking_session && state$conn?$whosasking_line )
		add_reply(state$conn$whosasking_session, data);
	}
