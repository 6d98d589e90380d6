"""Each part of the score: what gives it, and what does not."""

import pytest

from verdicts.judging import CATALOGUE, LIKE_TOOL, NOBODY, lookup, made_by, process
from whosasking import reasons, scoring
from whosasking.model import Detection, JudgedLookup, Outcome, Query, QueryKind, Severity, Verdict

PORT43, WEB, TOOL = Detection.PORT43, Detection.WEB, Detection.TOOL


def item(detected, attribution=NOBODY, reason=reasons.TOOL_LOOKUP):
    return JudgedLookup(
        lookup=detected, attribution=attribution, verdict=Verdict(outcome=Outcome.REPORTED, reason=reason)
    )


def parts(*items):
    processes = [one.attribution.process for one in items if one.attribution is not NOBODY]
    return {part.reason: part.points for part in scoring.parts(items, processes, CATALOGUE)}


def extra(*items):
    """Return the parts beside the detection and the certainty of the process."""
    usual = ("WHOIS session", "WHOIS tool", "RDAP or", "also ", "the process is certain")
    return {reason: points for reason, points in parts(*items).items() if not reason.startswith(usual)}


def test_the_strongest_detection_counts_whole_and_others_corroborate():
    assert parts(item(lookup(WEB))) == {"RDAP or WHOIS over the web (1)": 15}
    assert parts(item(lookup(WEB)), item(lookup(PORT43)), item(lookup(PORT43))) == {
        "WHOIS session (2)": 20,
        "also RDAP or WHOIS over the web (1)": 5,
    }


@pytest.mark.parametrize(
    ("reason", "points"),
    [
        (reasons.MASQUERADE, 40),
        (reasons.MISPLACED_BROWSER, 40),
        (reasons.BROWSER_ON_PORT_43, 40),
        (reasons.AUTOMATED_BROWSER, 30),
        (reasons.TOOL_EXECUTION, None),
    ],
)
def test_a_disguise(reason, points):
    assert list(extra(item(lookup(), reason=reason)).values()) == ([points] if points else [])


@pytest.mark.parametrize(
    ("count", "points"), [(1, None), (4, None), (5, 10), (19, 10), (20, 20), (99, 20), (100, 30), (5000, 30)]
)
def test_many_objects(count, points):
    expected = {f"{count:,} objects asked about": points} if points else {}
    single = [item(lookup(query=Query(text="q", object=f"d{number}.example"))) for number in range(count)]
    assert extra(*single) == expected
    assert extra(*single, *single) == expected  # asked again is not asked more
    assert extra(item(lookup(query=Query(text="begin", object="192.0.2.1", count=count)))) == expected


@pytest.mark.parametrize("kind", [QueryKind.PERSON, QueryKind.HANDLE, QueryKind.ORGANISATION])
def test_searches_for_people(kind):
    assert list(extra(item(lookup(query=Query(text="q", object="x", kind=kind)))).values()) == [20]


@pytest.mark.parametrize("kind", [QueryKind.DOMAIN, QueryKind.IP, QueryKind.ASN, None])
def test_searches_for_things(kind):
    assert extra(item(lookup(query=Query(text="q", object="x", kind=kind)))) == {}


def test_a_referral_from_registry_to_registrar_is_no_sign_but_many_registries_are():
    names = ["rdap.registry.example", "www.rir.example", "a.example", "b.example", "c.example", "d.example"]
    asked = [item(lookup(server=name, server_kind="rdap")) for name in names]
    assert extra(*asked[:2]) == {}
    assert extra(*asked[:3]) == {"3 registries or services asked": 5, "a server no list names: a.example": 10}
    assert extra(*asked)["6 registries or services asked"] == 10
    assert extra(*asked)["a server no list names: a.example and 3 more"] == 10


def test_a_name_that_only_has_the_shape_is_unlisted_and_an_address_says_nothing():
    assert extra(item(lookup(server="WHOIS.corp.example"))) == {"a server no list names: whois.corp.example": 10}
    assert extra(item(lookup(PORT43, server="9.9.9.9"))) == {}


@pytest.mark.parametrize(("port", "points"), [(43, None), (4343, None), (4321, None), (8080, 15), (None, None)])
def test_whois_on_an_odd_port(port, points):
    expected = {f"WHOIS on port {port}": points} if points else {}
    assert extra(item(lookup(PORT43, dst_port=port))) == expected


def test_the_port_of_a_web_lookup_is_not_odd():
    assert extra(item(lookup(WEB, dst_port=8443))) == {}


@pytest.mark.parametrize("text", ["x y " * 200, "TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAA" * 2])
def test_data_carried_in_a_query(text):
    carried = {"a query that carries data rather than a name": 25}
    assert extra(item(lookup(PORT43, query=Query(text=text)))) == carried
    assert extra(item(lookup(WEB, query=Query(text=text)))) == {}


@pytest.mark.parametrize("text", ["-V Md5.5 example.com", "a-very-long-label" * 3 + "." + "b" * 63 + ".example"])
def test_a_name_in_a_query(text):
    assert extra(item(lookup(PORT43, query=Query(text=text)))) == {}


@pytest.mark.parametrize(
    ("parent", "reason", "points"),
    [
        ("bash", "started by a shell (bash)", 5),
        ("PowerShell.EXE", "started by a shell (powershell)", 5),
        ("python3.11", "started by an interpreter (python)", 10),
        ("mshta.exe", "started by an interpreter (mshta)", 10),
        ("EXCEL.EXE", "started by an Office program (excel)", 30),
        ("w3wp.exe", "started by a web server (w3wp)", 25),
        ("php-fpm8.2", "started by a web server (php-fpm)", 25),
        ("apache2", "started by a web server (apache2)", 25),
    ],
)
def test_what_started_it(parent, reason, points):
    assert extra(item(lookup(), made_by("curl", parent=process(parent)))) == {reason: points}


def test_the_worst_ancestor_counts_once():
    chain = process("cmd.exe", parent=process("python.exe", parent=process("outlook.exe")))
    assert extra(item(lookup(), made_by("curl", parent=chain))) == {"started by an Office program (outlook)": 30}
    assert extra(item(lookup(), made_by("curl", parent=process("explorer.exe")))) == {}


@pytest.mark.parametrize("user", ["root", "NT AUTHORITY\\SYSTEM", "S-1-5-18"])
def test_the_system_account(user):
    assert extra(item(lookup(), made_by("curl", user=user))) == {f"run as the system account {user}": 10}


@pytest.mark.parametrize(
    "user", ["www-data", "NT AUTHORITY\\NETWORK SERVICE", "IIS APPPOOL\\Shop", "CORP\\WEB01$", "CORP\\svc_backup"]
)
def test_a_service_account(user):
    assert extra(item(lookup(), made_by("curl", user=user))) == {f"run as a service account {user}": 10}


@pytest.mark.parametrize("user", ["alice", "CORP\\rooter", "svcadmin", "", None])
def test_a_person(user):
    assert extra(item(lookup(), made_by("curl", user=user))) == {}


@pytest.mark.parametrize(
    ("confidence", "part"),
    [(1.0, {"the process is certain": 5}), (0.9, {"the process is certain": 5}), (0.89, {}), (0.5, {})],
)
def test_certainty(confidence, part):
    found = parts(item(lookup(), made_by(confidence=confidence)))
    assert found == {"RDAP or WHOIS over the web (1)": 15, **part}


def test_doubts():
    assert extra(item(lookup(), made_by(confidence=0.3))) == {"the process is a guess": -10}
    failed, done = item(lookup(established=False)), item(lookup(established=None))
    assert extra(failed) == {"no session was established": -10}
    assert extra(failed, done) == {}
    assert extra(failed, item(lookup(TOOL, established=None))) == {"no session was established": -10}
    noisy = item(lookup(server="www.rir.example", noise="high"))
    assert extra(noisy) == {"only servers that also carry much unrelated traffic": -10}
    assert extra(noisy, item(lookup(noise="low"))) == {}


def test_what_may_have_been_a_person_scores_low():
    unknown = item(lookup(), reason=reasons.UNKNOWN_CLIENT)
    assert extra(unknown) == {"could be a person in a browser: no process, and the wire does not tell": -10}
    assert extra(unknown, item(lookup(client=LIKE_TOOL))) == {}
    assert extra(item(lookup(PORT43), reason=reasons.UNKNOWN_CLIENT)) == {}


def test_benign_software_and_the_floor():
    banned = made_by("whois", 0.4, parent=process("fail2ban-server"))
    found = parts(item(lookup(WEB, established=False), banned))
    assert found["looks like fail2ban"] == -15
    assert found["a score is never below 0"] == 20
    assert sum(found.values()) == 0


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        *((0, Severity.INFO), (14, Severity.INFO), (15, Severity.LOW), (34, Severity.LOW), (35, Severity.MEDIUM)),
        *((59, Severity.MEDIUM), (60, Severity.HIGH), (89, Severity.HIGH), (90, Severity.CRITICAL)),
    ],
)
def test_severity(score, grade):
    assert scoring.severity(score) is grade


def test_an_endless_chain_of_parents_is_cut():
    chain = process("explorer.exe")
    for number in range(5000):
        chain = process(f"p{number}", parent=chain)
    assert len(list(scoring.ancestors(chain))) == scoring.MAX_ANCESTORS
