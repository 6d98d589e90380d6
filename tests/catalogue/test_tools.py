"""Which process starts are lookup tools: the seed's floor, what lies beyond it, and what must not be taken for one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosasking import catalogue

KNOWN = catalogue.load()
SEED_NAMES = [
    "whois.exe",
    "whois64.exe",
    "powershell.exe",
    "pwsh.exe",
    "cmd.exe",
    "bash",
    "sh",
    "python.exe",
    "python3",
    "python3.exe",
]
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


def encoded(command: str) -> str:
    return base64.b64encode(command.encode("utf-16-le")).decode()


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("WHOIS.EXE", None, True),
        ("whois64.exe", "whois64.exe -v x", True),
        ("bash", "bash -c 'grep whois /etc/services'", True),
        ("Python3.EXE", "python3 -m whois x", True),
        ("cmd.exe", "cmd /c nslookup rdap.arin.net", True),
        ("powershell.exe", "irm https://rdap.db.ripe.net/ip/192.0.2.1", False),
        ("bash", "bash -c 'python whoisit.py'", False),
        ("bash", None, False),
        ("whois", "whois x", False),
        ("zsh", "zsh -c 'whois x'", False),
        ("python3.11", "python3.11 -m whois x", False),
    ],
)
def test_the_seed_rule_is_the_seeds(name, line, expected):
    assert KNOWN.seed_tool(name, line) is expected


@settings(max_examples=300)
@given(
    st.sampled_from([*SEED_NAMES, "zsh", "grep", "svchost.exe", "node"]),
    st.one_of(
        st.none(),
        st.lists(st.sampled_from(["whois", "rdap.arin", "whois.iana.org", "-c", "'", '"', "|", " ", "x", "$("])).map(
            " ".join
        ),
        st.text(),
    ),
)
def test_whatever_the_seed_takes_the_catalogue_takes(name, line):
    assert KNOWN.tool(name, line) is not None or not KNOWN.seed_tool(name, line)


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("whois", "whois example.com", "whois"),
        ("jwhois", "jwhois -h whois.ripe.net AS3333", "whois"),
        ("/usr/bin/whois", None, "whois"),
        ("rdap.exe", "rdap example.com", "rdap"),
        ("bash", 'bash -c "whois example.net | grep -i registrar"', "whois"),
        ("zsh", "zsh -lc 'for d in $(cat l); do whois $d; done'", "whois"),
        ("dash", 'dash -c "echo $(whois example.com)"', "whois"),
        ("sudo", "sudo -u nobody timeout 5 whois example.com", "whois"),
        ("zsh", "zsh -c nmap --script whois-ip 192.0.2.1", "recon"),
        ("xargs", "xargs -n 1 -P 4 whois", "whois"),
        ("proxychains4", "proxychains4 -q whois example.com", "whois"),
        ("cmd.exe", 'cmd.exe /c "C:\\tools\\whois64.exe example.com"', "whois"),
        ("cmd.exe", "cmd.exe /c cd \\tools & jwhois example.com", "whois"),
        ("python3.11", "/usr/bin/python3.11 -m whoisit example.com", "rdap"),
        (
            "python3.12",
            "python3.12 -c 'from ipwhois import IPWhois; print(IPWhois(\"192.0.2.1\").lookup_rdap())'",
            "rdap",
        ),
        ("perl", "perl -MNet::Whois::Raw -e 'print whois(shift)' example.com", "whois"),
        ("npx", "npx -y whoiser@1.18 example.com", "rdap"),
        ("uvx", "uvx whois-mcp-server", "whois"),
        ("go", "go run github.com/openrdap/rdap/cmd/rdap@latest example.com", "rdap"),
        ("nmap", "nmap -sn --script whois-domain,banner example.com", "recon"),
        ("nmap", "nmap -sn --script=whois-ip 192.0.2.1", "recon"),
        ("python3", "/usr/bin/python3 /usr/bin/dnsrecon -d example.com -w", "recon"),
        ("amass", "amass intel -d example.com -whois", "recon"),
        ("python3.11", "python3.11 theHarvester.py -d example.com -b all", "recon"),
        ("curl", "curl -s https://rdap.arin.net/registry/ip/192.0.2.1", "http"),
        ("curl", f"curl -s -A '{CHROME}' 'http://viewdns.info/reversewhois/?q=example.com'", "http"),
        ("wget", "wget -qO- rdap.verisign.com/com/v1/domain/example.com", "http"),
        ("curl", "curl https://whois.registrar.example/q/example.com", "http"),
        ("nc", "nc -q 1 whois.cymru.com 43", "http"),
        ("openssl", "openssl s_client -quiet -noservername -connect rdap.arin.net:443", "http"),
        ("bash", "bash -c 'exec 3<>/dev/tcp/rdap.db.ripe.net/80'", "http"),
        ("powershell.exe", 'powershell -Command "Invoke-RestMethod https://rdap.db.ripe.net/ip/192.0.2.1"', "http"),
        ("powershell.exe", f"powershell -nop -enc {encoded('irm https://rdap.lacnic.net/rdap/ip/192.0.2.1')}", "http"),
        ("pwsh", f"pwsh -EncodedCommand {encoded('Get-WhoIs 192.0.2.1')}", "whois"),
        (
            "python3",
            "python3 -c 'import urllib.request as u; u.urlopen(\"https://rdap.org/domain/example.com\")'",
            "http",
        ),
    ],
)
def test_tools_beyond_the_seed(name, line, kind):
    assert KNOWN.tool(name, line).kind == kind


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("grep", "grep whois /etc/services"),
        ("vim", "vim whois.py"),
        ("man", "man whois"),
        ("less", "less /usr/share/doc/whois/README"),
        ("apt", "apt install whois"),
        ("apt-get", "apt-get -y install whois nmap"),
        ("sudo", "sudo apt install whois"),
        ("zsh", "zsh -c 'apt install whois && man whois'"),
        ("git", "git clone https://github.com/rfc1036/whois"),
        ("curl", "curl -LO https://github.com/rfc1036/whois/archive/whois.tar.gz"),
        ("curl", "curl -o whois.py https://files.example/whois.py"),
        ("curl", "curl -o python-whois.tar.gz https://files.example/latest"),
        ("curl", "curl -s http://www.example.com/news/whois-the-boss"),
        ("curl", "curl -s https://whoiselijah.com.au/"),
        ("wget", "wget -qO- http://cardapio.example/menu"),
        ("curl", "curl https://www.ripe.net/analyse/"),
        ("curl", "curl https://ipinfo.io/json"),
        ("curl", "curl -H 'X-Contact: ops@whois.example' https://api.example/"),
        ("nmap", "nmap -sV -p 43 192.0.2.1"),
        ("python3.11", "python3.11 rdap/manage.py runserver"),
        ("python3", "/usr/bin/python3 /usr/bin/dnsrecon -d example.com"),
        ("traceroute", "traceroute example.com"),
        ("chromium", "chromium https://viewdns.info/whois/?domain=example.com"),
        ("firefox", "firefox https://who.is/"),
        ("dig", "dig whois.arin.net"),
        ("ssh", "ssh -p 43 git@build.partner.example"),
        ("systemctl", "systemctl restart whoisd"),
        ("svchost.exe", "C:\\Windows\\system32\\svchost.exe -k netsvcs"),
        ("", ""),
        ("bash", None),
    ],
)
def test_what_only_mentions_whois_is_no_tool(name, line):
    assert KNOWN.tool(name, line) is None


def test_network_operators_tools_carry_their_honest_use():
    assert KNOWN.tool("bgpq4", "bgpq4 -4 AS-EXAMPLE").benign
    assert KNOWN.tool("whois", "whois example.com").benign is None


@settings(max_examples=300)
@given(st.sampled_from(["bash", "cmd.exe", "python3", "curl", "sudo", "npx"]), st.text(max_size=400))
def test_no_command_line_breaks_the_reader(name, line):
    KNOWN.tool(name, line)


@pytest.mark.parametrize("filler", ["'", '"', "$(", "`", "a.", "a-", "sudo ", "x://", "a@", "bash -c ", "\\", "=a.b"])
def test_hostile_command_lines_cost_little(filler):
    line = f"zsh -c {filler * (40_000 // len(filler))}"
    found = [KNOWN.tool(name, line) for name in ("zsh", "curl", "sudo")]
    assert len(found) == 3
