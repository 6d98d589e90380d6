##! What the reply of a WHOIS server says, as far as its words tell.

module WhosAsking;

export {
	## The outcome a reply tells: found, no match, rate limited, refused, referral; "" when it cannot be told.
	global outcome_of: function(reply: string): string;
}

# Replies longer than this are objects: they speak of limits in their terms of use.
const max_refusal = 1024;

function outcome_of(reply: string): string
	{
	if ( |reply| < max_refusal && /rate.?limit|exceeded|too many|quota|limit.{0,20}reached|try again later/i in reply )
		return "rate limited";

	if ( |reply| < max_refusal && /access.{0,20}denied|not authori[sz]ed|blacklisted|blocked|ERROR:201/i in reply )
		return "refused";

	if ( /no match|not found|no entries found|no data found|nothing found|ERROR:101|status:[ \t]*(free|available)/i in reply )
		return "no match";

	if ( /(^|\n)(refer|ReferralServer):/ in reply )
		return "referral";

	return /(^|\n)[ \t]*[A-Za-z][A-Za-z0-9 \/-]*:[ \t]*[^ \t\r\n]|(^|\n)[0-9]+ +\|/ in reply ? "found" : "";
	}
