from __future__ import annotations

import io
import sys

import pytest

from whosasking.progress import SILENT
from whosasking.reports.progress import STEP, Bar, for_terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_a_log_file_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert for_terminal() is SILENT


def test_a_terminal_gets_one_that_goes_away(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = for_terminal()
    bar.describe("zeek conn tsv")
    bar.start(10 * STEP)
    bar.advance(STEP)
    bar.close()
    bar.close()
    drawn = terminal.getvalue()
    assert "zeek conn tsv" in drawn
    assert drawn.endswith("\x1b[2K")  # the line is erased
    assert "\x1b[?25h" in drawn  # and the cursor is back


def test_two_stages_share_one_total(terminal: Terminal) -> None:
    bar = Bar(terminal)
    bar.start(STEP)
    bar.start(3 * STEP)
    bar.advance(STEP)
    assert bar._bars is not None
    task = bar._bars.tasks[0]
    assert (task.total, task.completed, task.percentage) == (4 * STEP, STEP, 25.0)
    bar.close()
    assert terminal.getvalue()


def test_a_file_name_cannot_steer_the_terminal(terminal: Terminal) -> None:
    bar = Bar(terminal)
    bar.start(1)
    bar.describe("[red]\x1b]0;owned\x07\n.log")
    bar.close()
    assert "\x1b]0;" not in terminal.getvalue()
    assert r"[red]\x1b]0;owned\x07\n.log" in terminal.getvalue()


def test_closing_what_never_began_draws_nothing(terminal: Terminal) -> None:
    bar = Bar(terminal)
    bar.advance(5)
    bar.close()
    assert terminal.getvalue() == ""
