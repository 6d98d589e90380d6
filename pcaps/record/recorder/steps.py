"""What the workstation's user does, in order, typed into one login shell (which is every command's parent)."""

from __future__ import annotations

from dataclasses import dataclass

CHROME_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
CHROMIUM = "chromium --no-first-run --no-default-browser-check"
FIREFOX = "firefox-esr --profile $HOME/.mozilla/firefox/work.default-esr"


@dataclass(frozen=True)
class Step:
    """One command line.

    ``pages`` makes it a windowed program: it runs until every (host, target) page was asked for, then its process is
    told to end. ``spoofs_browser`` marks a command that lies in its User-Agent.
    """

    name: str
    command: str
    pages: tuple[tuple[str, str], ...] = ()
    spoofs_browser: bool = False
    asks: tuple[str | None, str | None, str | None, str | None] | None = None
    """What the command line itself says it asks: server, text, object, kind."""


def _window(name: str, program: str, *urls: str) -> Step:
    pages = []
    for url in urls:
        host, _, rest = url.split("://", 1)[1].partition("/")
        pages.append((host, "/" + rest))
    quoted = " ".join(f"'{url}'" for url in urls)
    return Step(name, f"{program} {quoted}", pages=tuple(pages))


STEPS = (
    Step("ordinary-shell", "date; ls -la ~/bin; cat /etc/hostname"),
    Step("ordinary-api", "curl -s 'https://api.weather.example/v1/forecast?city=Oslo'"),
    # WHOIS, port 43
    Step("whois-plain", "whois example.com", asks=(None, "example.com", "example.com", "domain")),
    Step("whois-referral-iana", "whois -I example.com", asks=(None, "example.com", "example.com", "domain")),
    Step("whois-host", "whois -h whois.ripe.net AS3333", asks=("whois.ripe.net", "AS3333", "AS3333", "asn")),
    Step("whois-ip", "whois 8.8.8.8", asks=(None, "8.8.8.8", "8.8.8.8", "ip")),
    Step(
        "whois-odd-port",
        "whois -h whois.radb.net -p 8043 193.0.0.0/21",
        asks=("whois.radb.net", "193.0.0.0/21", "193.0.0.0/21", "cidr"),
    ),
    Step("whois-bulk", "nc -q 1 whois.cymru.com 43 < ~/bin/addresses.txt", asks=("whois.cymru.com", None, None, None)),
    Step("nmap-script", "nmap -sn -Pn -n --script whois-domain example.com"),
    Step("perl-socket", "perl ~/bin/registry.pl"),
    Step("bash-dev-tcp", "bash -c 'exec 3<>/dev/tcp/whois.iana.org/43; printf \"example.net\\r\\n\" >&3; cat <&3'"),
    Step(
        "bash-one-liner",
        'bash -c "whois example.net | grep -i registrar"',
        asks=(None, "example.net", "example.net", "domain"),
    ),
    # RDAP and lookup sites by tools
    Step(
        "curl-rdap",
        "curl -s https://rdap.arin.net/registry/ip/8.8.8.8",
        asks=("rdap.arin.net", "/registry/ip/8.8.8.8", "8.8.8.8", "ip"),
    ),
    Step(
        "curl-redirector",
        "curl -sL https://rdap.org/domain/example.com",
        asks=("rdap.org", "/domain/example.com", "example.com", "domain"),
    ),
    Step(
        "curl-rdap-clear",
        "curl -s http://rdap.registro.br/domain/example.com.br",
        asks=("rdap.registro.br", "/domain/example.com.br", "example.com.br", "domain"),
    ),
    Step(
        "curl-spoofed-clear",
        f"curl -s -A '{CHROME_AGENT}' 'http://viewdns.info/reversewhois/?q=example.com'",
        spoofs_browser=True,
        asks=("viewdns.info", "/reversewhois/?q=example.com", "example.com", "domain"),
    ),
    Step(
        "curl-spoofed-tls",
        f"curl -s -A '{CHROME_AGENT}' 'https://viewdns.info/iphistory/?domain=example.com'",
        spoofs_browser=True,
        asks=("viewdns.info", "/iphistory/?domain=example.com", "example.com", "domain"),
    ),
    Step(
        "wget-rdap",
        "wget -qO- https://rdap.verisign.com/com/v1/domain/example.com",
        asks=("rdap.verisign.com", "/com/v1/domain/example.com", "example.com", "domain"),
    ),
    Step("python-urllib", "python3 ~/bin/netinfo.py"),
    Step("python-requests", "python3 ~/bin/registrant.py"),
    Step("python-rdap-client", "python3 ~/bin/registry_client.py"),
    Step("python-clear-rest", "python3 ~/bin/holdings.py"),
    Step("node-fetch", "node ~/bin/asn.mjs"),
    Step("java-httpclient", "java ~/bin/RegistryCheck.java"),
    Step("go-net-http", "~/bin/regcheck"),
    Step("ruby-net-http", "ruby ~/bin/dossier.rb"),
    Step("perl-lwp", "perl ~/bin/history.pl"),
    Step(
        "hidden-name",
        "openssl s_client -quiet -noservername -connect rdap.arin.net:443 < ~/bin/no-name.txt",
        asks=("rdap.arin.net", None, None, None),
    ),
    # traps
    Step("trap-internal-server", "python3 ~/bin/inventory.py"),
    Step(
        "trap-other-protocol",
        "ssh -p 43 -o BatchMode=yes -o StrictHostKeyChecking=accept-new git@build.partner.example",
    ),
    Step("trap-path-clear", "curl -s http://www.example.com/news/whois-the-boss"),
    Step("trap-path-tls", "wget -qO- https://www.example.com/news/whois-the-boss"),
    Step("trap-name-shared-address", "curl -s https://whoiselijah.com.au/"),
    Step("trap-name-substring", "wget -qO- http://cardapio.example/menu"),
    Step("ordinary-intranet", "curl -s http://intranet.corp.internal/"),
)

BROWSER_STEPS = (
    _window(
        "chromium-window", CHROMIUM, "https://lookup.icann.org/en/lookup?name=example.com", "https://news.example/"
    ),
    _window("chromium-quic", f"{CHROMIUM} --origin-to-force-quic-on=who.is:443", "https://who.is/whois/example.com"),
    _window(
        "firefox-window",
        FIREFOX,
        "https://who.is/whois/example.com",
        "https://www.example.com/news/whois-the-boss",
        "http://viewdns.info/whois/?domain=example.com",
    ),
    Step("chromium-headless", f"{CHROMIUM} --headless --dump-dom 'https://viewdns.info/whois/?domain=example.org'"),
    Step("firefox-headless", f"{FIREFOX} --headless --screenshot $HOME/page.png https://centralops.net/co/"),
)
