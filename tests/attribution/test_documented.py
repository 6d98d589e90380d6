"""docs/attribution.md says what the code does: every method, with the confidence it states."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from whosasking.attribution import policy
from whosasking.model import Method

DOC = (Path(__file__).parents[2] / "docs" / "attribution.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([\w -]+)` \| (.+) \| (.+) \|$", DOC, flags=re.MULTILINE)


def test_every_method_is_documented() -> None:
    assert {name for name, _, _ in ROWS} == set(get_args(Method)) - {"none", "endpoint record"}


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("5-tuple", policy.TUPLE_SURE),
        ("5-tuple", policy.TUPLE_LATER),
        ("3-tuple", policy.NO_LOCAL_PORT),
        ("3-tuple", policy.OTHER_CONNECTION),
        ("dns event", policy.RESOLVED_NAME),
        ("dns event", policy.VIA_RESOLVER),
        ("command line", policy.NAMES_OBJECT),
        ("command line", policy.NAMES_SERVER),
        ("command line", policy.KNOWN_CLIENT),
        ("proxy", policy.THROUGH_PROXY),
        ("nat", policy.PORT_KEPT),
        ("nat", policy.TRANSLATED),
        ("client hello", policy.HELLO_OF_HOST),
        ("client hello", policy.HELLO_OF_SITE),
    ],
)
def test_the_confidence_stated_is_the_documented_one(method: str, value: float) -> None:
    stated = " ".join(confidence for name, _, confidence in ROWS if name == method)
    assert re.search(rf"(?<![\d.]){value:g}(?!\d)", stated), stated
