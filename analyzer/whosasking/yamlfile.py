"""YAML that knows its lines: a file composed into nodes, each of which can say where it stands and what was expected.

Nothing is ever constructed from a tag: the composer gives nodes, and the readers here take plain text, truth values,
lists and mappings out of them. Size, nesting and the number of values (aliases counted each time they are followed) are
bounded, so a file that unfolds into billions of values ends in one error line.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import yaml

from whosasking.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

MAX_BYTES = 512 * 1024
MAX_DEPTH = 16
MAX_VALUES = 50_000
_SHOWN = 60
_TAG = "tag:yaml.org,2002:"
_NULL, _BOOL = f"{_TAG}null", f"{_TAG}bool"
_TEXT_TAGS = frozenset(f"{_TAG}{name}" for name in ("str", "int", "float", "timestamp", "merge", "value"))
_TRUTH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class _Loader(yaml.SafeLoader):
    """The safe loader with a bound on nesting, which its recursive composer lacks."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # untyped in the stubs
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


class Budget:
    """How many values may still be read from one file."""

    def __init__(self, values: int = MAX_VALUES) -> None:
        """Start with all ``values``."""
        self._left = values

    def spend(self, values: int) -> bool:
        """Take ``values`` away; False when there were not so many left."""
        self._left -= values
        return self._left >= 0


class Value:
    """One YAML value with its place. Readers raise ConfigError ``file:line: what is wrong, what is expected``."""

    def __init__(self, node: yaml.Node, file: str, budget: Budget) -> None:
        """Place ``node`` in ``file``; all values of one file share a ``budget``."""
        self._node = node
        self._file = file
        self._budget = budget

    @property
    def line(self) -> int:
        """1-based line the value begins on."""
        return int(self._node.start_mark.line) + 1

    def error(self, message: str) -> ConfigError:
        """Build the error to raise about this value; ``message`` is one line."""
        return ConfigError(f"{self._file}:{self.line}: {message}")

    def is_list(self) -> bool:
        """Tell a list from anything else, where one value may stand for a list of one."""
        return isinstance(self._node, yaml.SequenceNode)

    def text(self, expected: str) -> str:
        """Read plain text as it is written in the file (a number or date too, not reformatted), never empty."""
        if isinstance(self._node, yaml.ScalarNode) and self._node.tag in _TEXT_TAGS and self._node.value.strip():
            return str(self._node.value).strip()
        raise self.error(f"expected {expected}, found {self._found()}")

    def boolean(self, expected: str) -> bool:
        """Read a truth value: true or false, yes or no, on or off."""
        if isinstance(self._node, yaml.ScalarNode) and self._node.tag == _BOOL:
            truth = _TRUTH.get(self._node.value.lower())
            if truth is not None:
                return truth
        raise self.error(f"expected {expected}, found {self._found()}")

    def items(self, expected: str) -> list[Value]:
        """Read a list that is not empty."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error(f"expected {expected}, found {self._found()}")
        if not self._node.value:
            raise self.error(f"expected {expected}, found an empty list: leave the key out instead")
        return [self._child(node) for node in self._node.value]

    def mapping(self, expected: str, known: Collection[str] | None = None) -> dict[str, Value]:
        """Read a mapping; a key twice, or one that is not in ``known`` (None: any), is an error with its own line."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error(f"expected {expected}, found {self._found()}")
        values: dict[str, Value] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in self._node.value:
            key = self._child(key_node)
            name = key.text("a key")
            if known is not None and name not in known:
                raise key.error(f"unknown key {shown(name)} in {expected}; {suggestion(name, known)}")
            if name in values:
                raise key.error(f"{shown(name)} is given twice; the first is on line {lines[name]}")
            values[name] = self._child(value_node)
            lines[name] = key.line
        return values

    def _child(self, node: yaml.Node) -> Value:
        if not self._budget.spend(1):
            raise self.error(f"more than {MAX_VALUES:,} values once aliases are followed")
        return Value(node, self._file, self._budget)

    def _found(self) -> str:
        if isinstance(self._node, yaml.SequenceNode):
            return "a list"
        if isinstance(self._node, yaml.MappingNode):
            return "a mapping"
        if self._node.tag == _NULL or not self._node.value.strip():
            return "nothing"
        if self._node.tag == _BOOL:
            return f"the truth value {self._node.value} (put it in quotes to mean the word)"
        if self._node.tag not in _TEXT_TAGS:
            return f"a value tagged {shown(self._node.tag)}"
        return shown(self._node.value)


def shown(text: str) -> str:
    """Quote text for an error line: bounded, control characters escaped."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def suggestion(word: str, known: Collection[str]) -> str:
    """Say which of ``known`` was probably meant, or name them all."""
    spelt = {name.lower(): name for name in sorted(known)}
    near = difflib.get_close_matches(word[:_SHOWN].lower(), list(spelt), n=1)
    return f"did you mean {spelt[near[0]]!r}?" if near else f"known are {', '.join(sorted(known))}"


def read(path: Path) -> Value | None:
    """Read a YAML file; None when it holds nothing but comments. Raises ConfigError."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    return parse(data, str(path))


def parse(data: bytes, file: str) -> Value | None:
    """Compose one YAML document from UTF-8 ``data``; ``file`` is the name errors give. Raises ConfigError."""
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{file}: larger than {MAX_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: not UTF-8 text (byte 0x{data[error.start]:02x})") from error
    try:
        node = yaml.compose(text, Loader=_Loader)  # a safe loader: composing constructs no object
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{file}:{line}: a control character that YAML does not allow") from error
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, error) from error
    return None if node is None or node.tag == _NULL else Value(node, file, Budget())


def _syntax_error(file: str, error: yaml.MarkedYAMLError) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    where = f"{file}:{mark.line + 1}" if mark else file
    problem = " ".join(str(error.problem or error.context or "not valid YAML").split())
    # The common slip: `- *.example.com` is an alias to YAML, and its own message does not say what to do.
    alias = "alias" in f"{error.context} {problem}"
    hint = "; a pattern that begins with * must stand in quotes" if alias else ""
    return ConfigError(f"{where}: not valid YAML: {problem}{hint}")
