# @TEST-DOC: What WHOIS lines and RDAP paths ask about.
# @TEST-EXEC: zeek -b $PACKAGE/query.zeek %INPUT >output
# @TEST-EXEC: btest-diff output

const lines = vector(
	"example.com", "  example.com  ", "192.0.2.1", "2001:db8::1", "192.0.2.0/24", "AS64496", "as64496", "JD1-RIPE", "Jane Roe",
	"jane@example.com", "-V Md5.6 --charset UTF-8 -T person Jane Roe", "-T dn,ace example.de", "-Bri admin-c JD1-RIPE",
	"-i admin-c JD1-RIPE", "--show-handles example.dk", "--sources=RIPE,APNIC 192.0.2.1", "n + 192.0.2.7", "n 192.0.2.7", "a 64496",
	"r + = 192.0.2.0/24", "o ! EXAMPLE-1", "p", "domain example.com", "=example.com", "domain =example.com", "example.jp/e",
	"nameserver ns1.example.com", "begin", "END", "-k", "-k 192.0.2.1", "!!", "!gAS64496", "!iAS-EXAMPLE,1", "!r192.0.2.0/24,o",
	"!q", "!", "-", "--", "-T", "", "\x1b[31m", "b\xc3\xbccher.example"
);

const paths = vector(
	"/domain/example.com", "/registry/ip/192.0.2.1", "/rdap/ip/192.0.2.0/24", "/ip/2001:db8::/32", "/com/v1/domain/EXAMPLE.COM",
	"/autnum/64496", "/entity/JD1-RIPE", "/nameserver/ns1.example.com", "/domains?name=exam*.com", "/entities?fn=Jane%20Roe&x=1",
	"/entities?handle=JD1", "/help", "/ip/login", "/autnum/x", "/domain/", "/news/whois-the-boss", "/", "", "?", "/domains?", "//"
);

const rws_paths = vector(
	"/rest/ip/192.0.2.1", "/rest/pocs;domain=example.com", "/rest/orgs;name=Example*", "/rest/cidr/192.0.2.0/24", "/rest/asn/AS64496",
	"/rest/poc/JD1-ARIN?showDetails=true", "/rest/", "/rest/ip/", "/rest/x/y", "/news/rest/ip/192.0.2.1"
);

function show(text: string, request: WhosAsking::Request)
	{
	local flags: string_vec;
	for ( flag in request$dialect )
		flags += flag;

	print fmt("%s -> %s (%s)%s%s", text, request?$object ? request$object : "-", request?$kind ? request$kind : "-",
	          |flags| > 0 ? " flags " + join_string_vec(sort(flags, strcmp), " ") : "", request$steers ? " steers" : "");
	}

event zeek_init()
	{
	for ( _, line in lines )
		show(line, WhosAsking::parse_whois(line));

	for ( _, path in paths )
		show(path, WhosAsking::parse_rdap(path));

	for ( _, rws in rws_paths )
		show(rws, WhosAsking::parse_rws(rws));
	}
