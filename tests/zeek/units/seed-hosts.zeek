# @TEST-DOC: Every host the project began with is in the compiled-in catalogue.
# @TEST-EXEC: zeek -b $PACKAGE/hosts.zeek %INPUT >output
# @TEST-EXEC: test "$(cat output)" = "15 of 15"

const seed = set(
	"who.is", "whois.domaintools.com", "arin.net", "ripe.net", "apnic.net", "lacnic.net", "afrinic.net",
	"whois.verisign-grs.com", "rdap.arin.net", "rdap.ripe.net", "lookup.icann.org", "centralops.net", "viewdns.info",
	"whoisology.com", "whois.icann.org"
);

redef WhosAsking::match_labels = F;

event zeek_init()
	{
	local found = 0;

	for ( name in seed )
		if ( WhosAsking::match_host(name)$listed )
			++found;
		else
			print fmt("%s is not listed", name);

	print fmt("%d of %d", found, |seed|);
	}
