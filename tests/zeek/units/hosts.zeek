# @TEST-DOC: Which names are lookup servers, and by what.
# @TEST-EXEC: zeek -b $PACKAGE/hosts.zeek %INPUT >output
# @TEST-EXEC: btest-diff output

redef WhosAsking::catalogue_exact += { ["pubapi.registry.example"] = [$kind="rdap", $noise="low"] };
redef WhosAsking::catalogue_suffix += { ["lookup.example"] = [$kind="web", $noise="medium"] };

const names = vector(
	"rdap.arin.net", "RDAP.ARIN.NET.", "rdap.arin.net:8443",
	"pubapi.registry.example", "x.pubapi.registry.example",
	"lookup.example", "www.lookup.example", "notlookup.example",
	"whois.corp.example", "whois", "a-whois.example", "rdap-test.example", "x.rdap",
	"whoiselijah.com.au", "mywhois.example", "cardapio.example", "whois_x.example", "example.com", "", ".", "..", ":43"
);

event zeek_init()
	{
	for ( _, name in names )
		{
		local match = WhosAsking::match_host(name);
		print name, match$listed ? fmt("%s %s %s %s", match$name, match$how, match$kind, match$noise) : "no";
		}

	local long = "";
	while ( |long| < 60000 )
		long += "a.";

	print "60,000 bytes", WhosAsking::match_host(long + "lookup.example")$listed;
	}
