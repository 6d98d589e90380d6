"""README is true: its reports and help texts are what the commands print, its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
TEXTS = re.findall(r"```text\n(.*?)\n```", README, flags=re.DOTALL)
COMMANDS = re.findall(r"^\$ (whosasking [a-z]+)", README, flags=re.MULTILINE)


def output_of(*arguments: str) -> list[str]:
    command = [sys.executable, "-m", "whosasking", *arguments]
    environment = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT / "analyzer"), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    return [line.rstrip() for line in done.stdout.strip().splitlines()]


def block(start: str) -> list[str]:
    (found,) = [text for text in TEXTS if text.startswith(start)]
    return found.splitlines()


def demo_arguments() -> list[str]:
    (line,) = re.findall(
        r'^exec "\$venv/bin/whosasking" (.*) "\$@"$', (ROOT / "scripts/demo").read_text(), re.MULTILINE
    )
    return str(line).split()


def matches(shown: list[str], real: list[str], *, update: bool) -> bool:
    """Compare a block of README with what is printed now; with ``--update-golden`` README is written anew first."""
    if update:
        path = ROOT / "README.md"
        path.write_text(path.read_text("utf-8").replace("\n".join(shown), "\n".join(real)), "utf-8")
        return True
    return shown == real


def test_the_report_shown_is_how_the_demo_s_report_begins(*, update_golden: bool) -> None:
    (shown,) = [text.splitlines() for text in TEXTS if text.endswith("[...]")]
    while shown[-1] in ("", "[...]"):
        shown.pop()
    assert matches(shown, output_of(*demo_arguments())[: len(shown)], update=update_golden)


def test_the_help_shown_is_the_real_one(*, update_golden: bool) -> None:
    assert matches(block("Usage: whosasking report"), output_of("report", "--help"), update=update_golden)


def test_the_catalogue_answers_as_shown(*, update_golden: bool) -> None:
    real = output_of("catalogue", "check", "rdap.arin.net", "whoiselijah.com.au")
    assert matches(block("rdap.arin.net: "), real, update=update_golden)


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_every_command_named_exists(command: str) -> None:
    assert output_of(*command.split()[1:], "--help")[0].startswith(f"Usage: {command}")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", README))))
def test_every_link_leads_to_a_file(target: str) -> None:
    assert (ROOT / target).exists()
