"""What a command line asks: server and query, where it says so, and nothing made up where it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking import catalogue
from whosasking.endpoints import urls
from whosasking.endpoints.command_line import asked

KNOWN = catalogue.load()


@pytest.mark.parametrize(
    ("name", "command_line", "server", "object_"),
    [
        ("whois", "whois example.com", None, "example.com"),
        ("whois", "/usr/bin/whois -h whois.ripe.net 193.0.6.139", "whois.ripe.net", "193.0.6.139"),
        ("whois", "whois --host=WHOIS.arin.net. -p 43 'n + 192.0.2.1'", "whois.arin.net", "192.0.2.1"),
        ("whois", "whois -hwhois.radb.net -- -i origin AS3333", "whois.radb.net", "AS3333"),
        ("whois", "whois -H example.com", None, "example.com"),
        ("whois.exe", "whois.exe -v -accepteula example.net whois.iana.org", "whois.iana.org", "example.net"),
        ("whois64.exe", '"C:\\Program Files\\Sys\\whois64.exe" -nobanner 8.8.8.8', None, "8.8.8.8"),
        ("bash", 'bash -c "whois -h whois.iana.org example.org | grep refer"', "whois.iana.org", "example.org"),
        ("cmd.exe", "cmd.exe /c whois example.org > C:\\out.txt", None, "example.org"),
        ("curl", "curl -s https://rdap.arin.net/registry/ip/192.0.2.1", "rdap.arin.net", "192.0.2.1"),
        ("curl", "curl rdap.verisign.com/com/v1/domain/example.com", "rdap.verisign.com", "example.com"),
        ("nc", "nc whois.iana.org 43", "whois.iana.org", None),
        ("whois", "whois", None, None),
        ("curl", "curl https://www.example.com/news/whois-the-boss", None, None),
        ("python3", "python3 /home/a/whois_report.py", None, None),
        ("sh", "", None, None),
        ("sh", None, None, None),
    ],
)
def test_server_and_object(name: str, command_line: str | None, server: str | None, object_: str | None) -> None:
    found = asked(command_line, name, KNOWN)
    assert (found.server, found.query.object if found.query else None) == (server, object_)


@given(st.text(max_size=300), st.sampled_from(["whois", "curl", "", "WHOIS.EXE"]))
def test_no_command_line_raises(text: str, name: str) -> None:
    asked(f"whois {text}", name, KNOWN)
    asked(f"{text} https://{text}", name, KNOWN)


def test_a_huge_command_line_is_bounded() -> None:
    asked("whois " + "-h " * 500_000 + '"' * 100_000, "whois", KNOWN)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://RDAP.arin.net:8443/registry/ip/1?x", "rdap.arin.net", "/registry/ip/1?x"),
        ("who.is", "who.is", ""),
        ("who.is:443", "who.is", ""),
        ("who.is./x", "who.is", "/x"),
        ("http://user:pw@who.is/x@y", "who.is", "/x@y"),
        ("http://[2001:db8::1]:80/x", "2001:db8::1", "/x"),
        ("//who.is", "", "//who.is"),
        ("", "", ""),
        ("http://[", "", ""),
    ],
)
def test_host_and_path_of_a_url(url: str, host: str, path: str) -> None:
    assert urls.split(url) == (host, path)


@given(st.text())
def test_no_url_raises(text: str) -> None:
    urls.split(text)
    urls.scheme(text)
