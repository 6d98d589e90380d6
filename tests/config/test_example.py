"""The example configuration: harmless as shipped, valid when every setting in it is switched on."""

import re
from importlib.resources import files

from whosasking import config, configfile
from whosasking.model import Detection

EXAMPLE = files("whosasking").joinpath("whosasking.example.yaml").read_text(encoding="utf-8")
CODE = re.compile(r"^#(?=[a-z]|  ( *- |  [a-z]+: |[A-Za-z0-9.-]+: ))", re.MULTILINE)


def switched_on() -> str:
    """Take the "#" off every line that is a setting; prose has exactly one space, or three, after it."""
    return CODE.sub("", EXAMPLE)


def test_shipped_as_it_is_it_changes_nothing():
    assert config.parse(EXAMPLE, "x") == config.Settings(path="x")


def test_every_setting_in_it_is_valid_and_shown():
    settings = config.parse(switched_on())
    assert settings.report_browser_like
    assert len(settings.own_networks) == 2
    assert settings.host_addresses["build-7"] == ("10.20.31.7", "2001:db8:100::7")
    assert settings.hosts == ("whois.registrar.example", ".lookup.example")
    for name in config.Settings.__struct_fields__:
        assert name == "path" or f"#{name}:" in EXAMPLE


def test_it_has_a_rule_for_every_false_positive_of_the_seed():
    rules = {rule.role: rule for rule in config.parse(switched_on()).allow}
    assert set(rules) == {"analyst", "administrator", "scanner", "osint", "automation", "red team"}
    assert all(rule.owner and rule.reason for rule in rules.values())
    assert all(platform in rules["scanner"].reason for platform in ("Qualys", "Tenable", "Rapid7"))
    assert rules["automation"].detections == (Detection.WEB, Detection.TOOL)
    shown = {part for part in configfile._WHO + configfile._WHAT if f"#    {part}: " in EXAMPLE}
    assert shown == {"addresses", "hosts", "users", "processes", "objects", "detections"}
