"""Settings and the errors of a wrong configuration: each names its line and what was expected."""

import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking import config, yamlfile
from whosasking.errors import ConfigError
from whosasking.model import SECOND, Detection

RULE = "allow:\n  - role: analyst\n    reason: cases\n    until: {until}\n    users: [alice]\n"


def micros(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def until(text: str) -> int:
    return config.parse(RULE.format(until=text)).allow[0].until


def error(text: str | bytes) -> str:
    try:
        yamlfile.parse(text, "c.yaml") if isinstance(text, bytes) else config.parse(text, "c.yaml")
    except ConfigError as caught:
        message = str(caught)
    else:
        pytest.fail("no error")
    assert message.isprintable()
    return message


def outcome(text: str) -> str:
    """Return the error, or nothing when the text is a valid configuration."""
    try:
        config.parse(text)
    except ConfigError as caught:
        return str(caught)
    return ""


def test_every_setting_is_read():
    settings = config.parse(
        "report_browser_like: yes\nown_networks: [198.51.100.0/24, 203.0.113.9]\nepisode_gap: 2h\n"
        "hosts: [WHOIS.Corp.Example., .lookup.example]\nhost_addresses:\n  ws-1: 10.0.0.1\n  7: ['::ffff:10.0.0.2']\n"
    )
    assert settings.report_browser_like is True
    assert settings.own_networks == (ip_network("198.51.100.0/24"), ip_network("203.0.113.9/32"))
    assert settings.episode_gap == 7200 * SECOND
    assert settings.hosts == ("whois.corp.example", ".lookup.example")
    assert settings.host_addresses == {"ws-1": ("10.0.0.1",), "7": ("10.0.0.2",)}


def test_a_rule_is_read_with_its_line_and_case_folded_patterns():
    (rule,) = config.parse(
        "# site\nallow:\n  - role: Red  Team\n    owner: ciso\n    reason: engagement\n    until: 2026-07-31\n"
        "    addresses: 10.0.0.0/8\n    hosts: [WS-*.corp.example.]\n    users: 'CORP\\Ti-*'\n    processes: [Whois*]\n"
        "    servers: .ARIN.example\n    objects: [.corp.example, 192.0.2.0/24, '2001:db8::1', AS64500]\n"
        "    detections: whoistoolexecution\n"
    ).allow
    assert (rule.role, rule.owner, rule.line) == ("Red Team", "ciso", 3)
    assert (rule.hosts, rule.users) == (("ws-*.corp.example",), ("corp\\ti-*",))
    assert (rule.processes, rule.servers) == (("whois*",), (".arin.example",))
    assert rule.objects == (".corp.example", "as64500")
    assert rule.object_networks == (ip_network("192.0.2.0/24"), ip_network("2001:db8::1/128"))
    assert rule.detections == (Detection.TOOL,)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff# with a byte order mark\n"])
def test_an_empty_file_gives_the_defaults(text):
    assert config.parse(text, "c") == config.Settings(path="c")


def test_without_a_file_the_defaults():
    settings = config.load(None)
    assert settings == config.Settings()
    assert settings.episode_gap == 900 * SECOND
    assert not settings.report_browser_like


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (
            "report_browser_lke: true\n",
            1,
            "unknown key 'report_browser_lke' in the configuration; did you mean 'report_b",
        ),
        ("Allow: []\n", 1, "did you mean 'allow'?"),
        ("zzz: 1\n", 1, "known are allow, episode_gap, host_addresses, hosts, own_networks, report_browser_like"),
        ("episode_gap: 5m\n\nepisode_gap: 6m\n", 3, "'episode_gap' is given twice; the first is on line 1"),
        ("- a\n", 1, "expected the configuration, found a list"),
        ("word\n", 1, "expected the configuration, found 'word'"),
        ("report_browser_like: maybe\n", 1, "expected true or false, found 'maybe'"),
        ("report_browser_like: 'true'\n", 1, "expected true or false, found 'true'"),
        ("report_browser_like:\n", 1, "expected true or false, found nothing"),
        ("own_networks: 10.0.0.0/8\n", 1, "expected a list of prefixes such as 198.51.100.0/24, found '10.0.0.0/8'"),
        ("own_networks:\n  - 198.51.100.0/24\n  - 198.51.100.7/24\n", 3, "host bits set: write 198.51.100.0/24"),
        ("own_networks:\n  - 300.1.1.1/8\n", 2, "expected an address or a prefix such as"),
        (
            "own_networks:\n  - [10.0.0.0/8]\n",
            2,
            "expected an address or a prefix such as 198.51.100.0/24, found a list",
        ),
        ("own_networks: []\n", 1, "found an empty list: leave the key out instead"),
        ("host_addresses:\n  ws:\n    - 10.0.0\n", 3, "expected an address such as 10.20.30.40, found '10.0.0'"),
        ("host_addresses: [a]\n", 1, "expected a mapping of host names to addresses, found a list"),
        ("host_addresses:\n  ws: 10.0.0.1\n  ws: 10.0.0.2\n", 3, "'ws' is given twice; the first is on line 2"),
        ("host_addresses:\n  ? [a]\n  : 10.0.0.1\n", 2, "expected a key, found a list"),
        ("\nepisode_gap: 15\n", 2, "expected a duration such as 90s, 15m, 2h or 1d, found '15'"),
        ("episode_gap: 31d\n", 1, "expected a duration between 1s and 30d"),
        ("episode_gap: 0s\n", 1, "expected a duration between 1s and 30d"),
        ("episode_gap: ٣m\n", 1, "expected a duration such as"),
        ("hosts: [ok.example, 'http://x.example/']\n", 1, "expected a host name such as whois.example.net"),
        ("hosts: [localhost]\n", 1, "expected a host name"),
        ("hosts:\n  - yes\n", 2, "the truth value yes (put it in quotes to mean the word)"),
        (
            "hosts:\n  - !!python/name:os.system x\n",
            2,
            "found a value tagged 'tag:yaml.org,2002:python/name:os.system'",
        ),
        ("allow: {}\n", 1, "expected a list of allow rules, found a mapping"),
        ("allow:\n  - alice\n", 2, "expected an allow rule, found 'alice'"),
        (RULE.format(until="2026-01-01") + "    adresses: [10.0.0.1]\n", 6, "did you mean 'addresses'?"),
        (RULE.format(until="2026-01-01") + "    detections: WHOISToolExec\n", 6, "did you mean 'WHOISToolExecution'?"),
        (RULE.format(until="2026-01-01") + "    owner: ''\n", 6, "expected who answers for the rule, found nothing"),
        (
            RULE.format(until="2026-01-01") + "    hosts: ['" + "*" * 257 + "']\n",
            6,
            "at most 256 characters, found 257",
        ),
        (RULE.format(until="2026-01-01") + "    objects: [10.0.0.1/8]\n", 6, "host bits set: write 10.0.0.0/8"),
        (RULE.format(until="2026-01-01").replace("analyst", "x" * 41), 2, "at most 40 characters, found 41"),
        (RULE.format(until="2026-02-30"), 4, "'2026-02-30' is no date: day is out of range for month"),
        (RULE.format(until="tomorrow"), 4, "expected a date such as 2026-12-31, or a time such as"),
        (RULE.format(until="2026-12-31T25:00:00Z"), 4, "is no date: hour must be in 0..23"),
        (RULE.format(until="20261231"), 4, "expected a date such as"),
        (RULE.format(until=""), 4, "expected a date such as 2026-12-31, or a time such as"),
        ("allow:\n\n  - role: a\n    until: 2026-01-01\n    users: [b]\n", 3, "an allow rule needs 'reason'"),
        ("allow:\n  - role: a\n    reason: b\n    users: [c]\n", 2, "an allow rule needs 'until'"),
        ("allow:\n  - reason: b\n    until: 2026-01-01\n    users: [c]\n", 2, "an allow rule needs 'role'"),
        ("allow:\n  - role: a\n    reason: b\n    until: 2026-01-01\n", 2, "this one would allow everything"),
        ("allow:\n  - role: a\n   reason: b\n", 3, "not valid YAML"),
        ("hosts:\n  - *.example.com\n", 2, "a pattern that begins with * must stand in quotes"),
        ("hosts:\n  - ok.example\n  - *svc\n", 3, "undefined alias 'svc'; a pattern that begins with * must"),
        ("a: 1\n---\nb: 2\n", 2, "but found another document"),
        ("hosts: [a.example\n", 2, "not valid YAML"),
        ("hosts:\n\t- a.example\n", 2, "not valid YAML"),
        ("# x\nhosts: [a\x07.example]\n", 2, "a control character that YAML does not allow"),
        ("<<: {}\n", 1, "unknown key '<<'"),
    ],
)
def test_a_mistake_names_its_line_and_what_was_expected(text, line, expected):
    message = error(text)
    assert message.startswith(f"c.yaml:{line}: ")
    assert expected in message


def test_bytes_that_are_no_text_name_their_line():
    assert error(b"hosts:\n  - caf\xe9.example\n") == "c.yaml:2: not UTF-8 text (byte 0xe9)"


def test_a_file_that_cannot_be_read_names_itself(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read: No such file"):
        config.load(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        config.load(tmp_path)


def test_errors_of_a_file_carry_its_path(tmp_path: Path):
    path = tmp_path / "site.yaml"
    path.write_text("hosts: 3\n")
    with pytest.raises(ConfigError, match=r"site\.yaml:1: expected a list of host names, found '3'"):
        config.load(path)


@pytest.mark.parametrize(
    "bomb",
    [
        "x: " + "[" * 100_000,
        "x: " + "{a: " * 5_000,
        "? " * 5_000,
        "- " * 5_000 + "x",
    ],
)
def test_deep_nesting_is_refused_before_it_costs_anything(bomb):
    assert "nested deeper than 16 levels" in error(bomb)


def test_an_alias_bomb_is_refused():
    names = ", ".join(["a.example"] * 1000)
    rules = "".join(
        f"  - {{role: a, reason: b, until: 2026-01-01, users: {'&n [' + names + ']' if index == 0 else '*n'}}}\n"
        for index in range(2000)
    )
    assert "more than 50,000 values once aliases are followed" in error("allow:\n" + rules)


def test_a_list_that_holds_itself_is_refused():
    assert "found a list" in error("hosts: &a [*a]\n")


def test_an_honest_alias_works():
    text = RULE.format(until="&end 2026-01-01") + RULE.format(until="*end").removeprefix("allow:\n")
    first, second = config.parse(text).allow
    assert first.until == second.until


def test_a_large_file_is_refused():
    assert error("#" * (513 * 1024)) == "c.yaml: larger than 512 KiB"


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("2026-12-31", "2026-12-31T23:59:59.999999+00:00"),
        ("'2026-12-31'", "2026-12-31T23:59:59.999999+00:00"),
        ("2028-02-29", "2028-02-29T23:59:59.999999+00:00"),
        ("2026-12-31T18:00:00+02:00", "2026-12-31T16:00:00+00:00"),
        ("2026-12-31 18:00:00 -05:00", "2026-12-31T23:00:00+00:00"),
        ("2026-12-31T18:00Z", "2026-12-31T18:00:00+00:00"),
        ("2026-12-31 18:00:00.123456", "2026-12-31T18:00:00.123456+00:00"),
    ],
)
def test_the_last_instant_of_a_rule(text, last):
    assert until(text) == micros(last)


def test_the_last_day_of_the_calendar_means_never():
    settings = config.parse(RULE.format(until="9999-12-31"))
    assert config.expired_notes(settings, until("9999-12-31")) == ()
    assert "expired 9999-12-31" in config.expired_notes(settings, 10**20)[0]


@pytest.mark.parametrize("text", ["0001-01-01", "1969-12-31", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_years_no_log_has_are_refused(text):
    assert "lies outside the years 1970 to 9999" in error(RULE.format(until=text))


def test_an_expired_rule_is_mentioned_from_the_first_microsecond_on():
    settings = config.parse(RULE.format(until="2026-06-30"), "site.yaml")
    end = micros("2026-07-01T00:00:00+00:00")
    assert config.expired_notes(settings, end - 1) == ()
    assert config.expired_notes(settings, end) == (
        "allow rule for analyst (site.yaml, line 2) expired 2026-06-30 and allows nothing",
    )


@given(st.text(max_size=200))
def test_no_text_gives_anything_but_settings_or_one_line(text):
    assert outcome(text).isprintable()


@given(
    st.recursive(
        st.sampled_from(["allow", "role", "x", "2026-01-01", "true", "~", "'*'", "10.0.0.1"]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            st.dictionaries(
                st.sampled_from(
                    ["allow", "hosts", "role", "reason", "until", "users", "own_networks", "host_addresses"]
                ),
                inner,
                max_size=4,
            ).map(lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"),
        ),
        max_leaves=12,
    )
)
def test_no_shape_gives_anything_but_settings_or_one_line(text):
    assert re.match(r"whosasking\.yaml:1: .|\Z", outcome(text))
