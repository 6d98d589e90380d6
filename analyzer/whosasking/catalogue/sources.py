"""The YAML facts, checked: every mistake is one ConfigError that names file and line.

Only ``catalogue build`` and the tests read them; a run reads the compiled copy, which is many times faster.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from whosasking.catalogue.records import (
    KINDS,
    NOISES,
    AgentFact,
    AutomationFacts,
    BenignFact,
    BrowserFact,
    CommandFacts,
    Facts,
    HostFact,
    ProgramFact,
    SeedFacts,
)
from whosasking.errors import ConfigError
from whosasking.yamlfile import Budget, Value, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER = Path(__file__).parent
_VALUES = 200_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster, where PyYAML was built with it
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_TOOL_KINDS = ("whois", "rdap", "recon", "http", "library")
_ROLES = ("browser", "automation", "embedded")
_SYSTEMS = ("windows", "macos", "linux", "any")
_MAX_NAME = 253


def read(folder: Path = FOLDER) -> Facts:
    """Read hosts, clients, browsers and benign software from ``folder``. Raises ConfigError."""
    clients = _keys(_file(folder / "clients.yaml"), "the clients", ("seed", "programs", "commands", "user_agents"))
    browsers = _keys(_file(folder / "browsers.yaml"), "the browsers", (*_SYSTEMS, "automation"))
    return Facts(
        hosts=tuple(_hosts(_file(folder / "hosts.yaml"))),
        programs=tuple(_program(item) for item in clients["programs"].items("a list of programs")),
        agents=tuple(_agent(item) for item in clients["user_agents"].items("a list of User-Agents")),
        commands=CommandFacts(**_lists(clients["commands"], CommandFacts.__struct_fields__)),
        seed=SeedFacts(**_lists(clients["seed"], SeedFacts.__struct_fields__)),
        browsers=tuple(
            _browser(item, system) for system in _SYSTEMS for item in browsers[system].items("a list of browsers")
        ),
        automation=AutomationFacts(**_lists(browsers["automation"], AutomationFacts.__struct_fields__)),
        benign=tuple(_benign(item) for item in _file(folder / "benign.yaml").items("a list of software")),
    )


class _Value(Value):
    """A YAML value that can be asked what it is: a host's covers stand alone, or in a mapping with more."""

    def _child(self, node: yaml.Node) -> Value:
        super()._child(node)  # counts it
        return _Value(node, self._file, self._budget)

    def is_mapping(self) -> bool:
        return isinstance(self._node, yaml.MappingNode)

    def is_empty(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode) and self._node.tag == "tag:yaml.org,2002:null"


def _file(path: Path) -> Value:
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=_LOADER)  # composing constructs no object
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(f"{path}:{mark.line + 1 if mark else 1}: not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if node is None:
        raise ConfigError(f"{path}: holds nothing")
    return _Value(node, str(path), Budget(_VALUES))


def _keys(value: Value, expected: str, needed: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Value]:
    keys = value.mapping(expected, (*needed, *optional))
    for name in needed:
        if name not in keys:
            raise value.error(f"{expected} lacks {name!r}")
    return keys


def _words(value: Value | None) -> tuple[str, ...]:
    return () if value is None else tuple(item.text("a word") for item in value.items("a list of words"))


def _lists(value: Value, fields: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {name: _words(item) for name, item in _keys(value, "a list for each name", fields).items()}


def _choice(value: Value | None, allowed: Sequence[str], default: str | None = None) -> str:
    if value is None:
        return default or allowed[0]
    word = value.text(f"one of {', '.join(allowed)}")
    if word not in allowed:
        raise value.error(f"expected one of {', '.join(allowed)}, found {shown(word)}")
    return word


def _flag(value: Value | None) -> bool:
    return value is not None and value.boolean("true or false")


def _text(value: Value | None) -> str | None:
    return None if value is None else " ".join(value.text("text").split())


def _regex(value: Value | None) -> str | None:
    if value is None:
        return None
    text = value.text("a regular expression")
    try:
        re.compile(text)
    except re.error as error:
        raise value.error(f"not a regular expression: {error}") from error
    return text


def _hosts(top: Value) -> Iterator[HostFact]:
    """Give each host once; one that stands under several kinds or operators gets all its kinds."""
    merged: dict[tuple[str, bool], HostFact] = {}
    kinds = top.mapping("the hosts by kind", KINDS)
    for kind in KINDS:
        operators = kinds[kind].mapping("operators") if kind in kinds else {}
        for operator, hosts in operators.items():
            for name, value in hosts.mapping("hosts").items():
                fact = _host(name, value, kind, operator)
                known = merged.get((fact.name, fact.suffix))
                if known and kind in known.kinds:
                    raise value.error(f"{name} stands twice under {kind}")
                merged[fact.name, fact.suffix] = _both(known, fact) if known else fact
    yield from sorted(merged.values(), key=lambda fact: (fact.name, fact.suffix))


def _host(name: str, value: Value, kind: str, operator: str) -> HostFact:
    suffix, bare = name.startswith("."), name.removeprefix(".")
    if not _HOST.fullmatch(bare) or len(bare) > _MAX_NAME:
        raise value.error(f"{shown(name)} is no host name in lower case (international names as xn--)")
    if isinstance(value, _Value) and not value.is_mapping():
        return HostFact(bare, suffix, (kind,), operator, "" if value.is_empty() else _text(value) or "")
    keys = value.mapping("a host", ("covers", "noise", "paths", "seed", "note"))
    return HostFact(
        bare,
        suffix,
        (kind,),
        operator,
        covers=_text(keys.get("covers")) or "",
        noise=_choice(keys.get("noise"), NOISES, "low"),
        seed=_flag(keys.get("seed")),
        paths=_words(keys.get("paths")),
        note=_text(keys.get("note")) or "",
    )


def _both(one: HostFact, other: HostFact) -> HostFact:
    """Join two entries of one host; the quieter noise holds, since each kind is a use of its own."""
    return HostFact(
        one.name,
        one.suffix,
        one.kinds + other.kinds,
        one.operator,
        " ".join(dict.fromkeys(f"{one.covers} {other.covers}".split())),
        min(one.noise, other.noise, key=NOISES.index),
        one.seed or other.seed,
        one.paths + other.paths,
        one.note or other.note,
    )


def _program(value: Value) -> ProgramFact:
    keys = _keys(value, "a program", ("name", "kind"), ("executables", "modules", "needs", "benign"))
    return ProgramFact(
        name=keys["name"].text("a name"),
        kind=_choice(keys["kind"], _TOOL_KINDS),
        executables=_words(keys.get("executables")),
        modules=_words(keys.get("modules")),
        needs=_regex(keys.get("needs")),
        benign=_text(keys.get("benign")),
    )


def _agent(value: Value) -> AgentFact:
    keys = _keys(value, "a User-Agent", ("name", "kind", "contains"), ("pattern", "claims_browser"))
    contains = keys["contains"].text("text in lower case")
    if contains != contains.lower():
        raise keys["contains"].error("'contains' is held against lower case: write it so")
    return AgentFact(
        name=keys["name"].text("a name"),
        kind=_choice(keys["kind"], _TOOL_KINDS),
        contains=contains,
        pattern=_regex(keys.get("pattern")),
        claims_browser=_flag(keys.get("claims_browser")),
    )


def _browser(value: Value, system: str) -> BrowserFact:
    keys = _keys(value, "a browser", ("product", "engine", "names"), ("folders", "role", "seed"))
    return BrowserFact(
        product=keys["product"].text("a name"),
        engine=keys["engine"].text("an engine"),
        os=system,
        names=_words(keys["names"]),
        folders=_words(keys.get("folders")),
        role=_choice(keys.get("role"), _ROLES, "browser"),
        seed=_flag(keys.get("seed")),
    )


def _benign(value: Value) -> BenignFact:
    keys = _keys(value, "software", ("software",), ("processes", "command"))
    if "processes" not in keys and "command" not in keys:
        raise value.error("software needs 'processes' or 'command' to be known by")
    return BenignFact(_text(keys["software"]) or "", _words(keys.get("processes")), _regex(keys.get("command")))
