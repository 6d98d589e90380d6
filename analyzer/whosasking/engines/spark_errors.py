"""What Spark raises, in one line: its own messages are stack traces of two languages."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 300
_MISSING: Final = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_RAISED: Final = re.compile(r"^(?:\S*\.)?(\w*(?:Error|Exception|Failure)): (.+)$", re.MULTILINE)
_KNOWN: Final = (
    (
        re.compile("PYTHON_VERSION_MISMATCH"),
        "the workers' Python is of another version than this one: let PYSPARK_PYTHON name one that is not",
    ),
    (
        re.compile("maxResultSize"),
        "more lines of one file are candidates than the driver takes: raise spark.driver.maxResultSize",
    ),
    (re.compile("JAVA_GATEWAY_EXITED"), "Java did not start: Spark needs Java 17 or later"),
    (
        re.compile("all masters are unresponsive|application has been killed|has been shut ?down", re.IGNORECASE),
        "the cluster ended the application or is gone",
    ),
)


def told(error: BaseException) -> str | None:
    """Return one line on an error of Spark's; None when it is not one of Spark's."""
    if isinstance(error, ConnectionError):
        return "the cluster is gone"
    if type(error).__module__.split(".")[0] not in ("pyspark", "py4j"):
        return None
    text = str(error)
    missing = _MISSING.search(text)
    if missing:
        return (
            f"the workers' Python has no module {missing[1]!r}: install whosasking there, "
            "or let PYSPARK_PYTHON name the Python that has it"
        )
    return next((line for pattern, line in _KNOWN if pattern.search(text)), None) or _last_line(text)


def _last_line(text: str) -> str:
    raised = _RAISED.findall(text)
    line = ": ".join(raised[-1]) if raised else text.strip().split("\n")[0]
    return " ".join(line.split())[:_LONGEST]
