from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

import whosasking
from reports import sample
from whosasking import cli
from whosasking.errors import ConfigError
from whosasking.model import InputReport, Skipped
from whosasking.reports import FORMATS

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'analyzer'}{os.pathsep}{ROOT / 'tests'}"}
DRIVER = [sys.executable, str(Path(__file__).with_name("driver.py"))]


class Pipeline:
    """Stands where the pipeline is: returns ``answer`` or raises it, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Any = sample.sample()
        self.asked: dict[str, Any] = {}

    def run(self, paths: list[Path], **settings: Any) -> Any:
        self.asked = {"paths": paths, **settings}
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    stub, fake = ModuleType("whosasking.pipeline"), Pipeline()
    stub.run = fake.run  # type: ignore[attr-defined]
    stub.captures = lambda *how: how  # type: ignore[attr-defined]
    stub.cluster = lambda *which, **_: contextlib.nullcontext(which)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "whosasking.pipeline", stub)
    monkeypatch.setattr(whosasking, "pipeline", stub, raising=False)
    return fake


def test_a_report_goes_to_stdout_and_nothing_to_stderr(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["report", "logs"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("19 WHOIS or RDAP lookups reported")
    assert err == ""
    assert pipeline.asked["paths"] == ["logs"]


def test_every_flag_reaches_the_pipeline(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    line = "report a b --since 2026-03-14 --until 2026-03-14T12:00:00+01:00 --config w.yaml --exact --format json"
    assert cli.run([*line.split(), *["--sensor", "all", "--keep-logs", "kept", "--carve", "cut"]]) == 0
    assert pipeline.asked["paths"] == ["a", "b"]
    assert pipeline.asked["since"] == 1_773_446_400_000_000
    assert pipeline.asked["until"] == 1_773_486_000_000_000
    assert pipeline.asked["config_path"] == Path("w.yaml")
    assert pipeline.asked["exact"] is True
    assert pipeline.asked["captures"] == ("all", Path("kept"), Path("cut"))
    assert pipeline.asked["spark"] == ("embedded", None, ["a", "b"])
    assert json.loads(capsys.readouterr().out)["schema"] == "whosasking.report/1"


def test_the_cluster_asked_for_is_the_pipelines(pipeline: Pipeline) -> None:
    assert cli.run(["report", "a", "--engine", "spark", "--master", "local[2]"]) == 0
    assert pipeline.asked["spark"] == ("spark", "local[2]", ["a"])


def test_show_dropped(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert pipeline.answer.lookups
    cli.run(["report", "logs", "--show-dropped"])
    assert "viewdns.info" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "flags", "status"),
    [
        ("sample", [], 0),
        ("sample", ["--exit-code"], 1),
        ("quiet", ["--exit-code"], 0),
        ("unreadable", [], 2),
        ("unreadable", ["--exit-code"], 2),
    ],
)
def test_exit_status(pipeline: Pipeline, name: str, flags: list[str], status: int) -> None:
    pipeline.answer = getattr(sample, name)()
    assert cli.run(["report", "logs", *flags]) == status


def test_dropped_and_allowed_lookups_alone_are_nothing_reported(pipeline: Pipeline) -> None:
    report = sample.sample()
    kept = tuple(judged for judged in report.lookups if judged.verdict.outcome != "reported")
    pipeline.answer = msgspec.structs.replace(report, findings=(), lookups=kept)
    assert cli.run(["report", "logs", "--exit-code"]) == 0


def test_an_unreadable_input_is_told_where_the_format_hides_it(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = InputReport(
        path="x\x1b[2J.log", kind="unknown", unreadable=True, skipped=(Skipped(line=None, reason="no such file"),)
    )
    pipeline.answer = msgspec.structs.replace(sample.sample(), inputs=(*sample.inputs(), hidden))
    assert cli.run(["report", "logs", "--format", "csv"]) == 0
    err = capsys.readouterr().err
    assert "2 of 6 inputs could not be read" in err
    assert r"x\x1b[2J.log: no such file" in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("report", "Missing argument 'PATH'"),
        ("report logs --format xml", "'xml' is not one of 'terminal', 'json', 'csv'"),
        ("report logs --since yesterday", "'yesterday' is no time: write 2026-03-14"),
        ("report logs --until 1773489600000", "is no time"),
        ("report logs --no-such-flag", "--no-such-flag"),
        ("report logs --format", "--format"),
        ("rebort logs", "Did you mean 'report'?"),
        ("catalogue check", "Missing argument 'HOST'"),
        ("report logs --output /no/such/folder/x.json", "the folder /no/such/folder does not exist"),
        ("report logs --output /", "it is a folder"),
    ],
)
def test_a_wrong_call_is_one_clear_line(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    assert cli.run(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("whosasking: ")
    assert err.count("\n") == 1
    assert pipeline.asked == {}


def test_what_is_not_built_is_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("report logs --sensor snort", "attribute logs", "explain logs", "report logs --carve"):
        assert cli.run(line.split()) == 2
    assert "--sensor" in capsys.readouterr().err


def test_an_error_of_the_user_is_one_line(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline.answer = ConfigError("whosasking.yaml, line 3: unknown key \x1b[2J")
    assert cli.run(["report", "logs"]) == 2
    assert capsys.readouterr().err == "whosasking: whosasking.yaml, line 3: unknown key \\x1b[2J\n"


def test_a_bug_is_one_line_with_what_to_do(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(cli.DEBUG, raising=False)
    pipeline.answer = ZeroDivisionError("odd\n\x1b[2J")
    assert cli.run(["report", "logs"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert "\x1b" not in err
    assert "ZeroDivisionError" in err
    assert "please report it" in err
    assert cli.DEBUG in err
    monkeypatch.setenv(cli.DEBUG, "1")
    with pytest.raises(ZeroDivisionError):
        cli.run(["report", "logs"])


def test_help_lists_every_command_and_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    top = capsys.readouterr().out
    assert all(f"\n  {name} " in top for name in ("report", "catalogue", "doctor"))
    assert "--version" in top
    assert cli.run(["report", "--help"]) == 0
    text = capsys.readouterr().out
    flags = "--format --output --since --until --config --show-dropped --exit-code --exact"
    assert all(flag in text for flag in flags.split())
    assert "UTC" in text
    assert cli.run(["catalogue", "--help"]) == 0
    commands = capsys.readouterr().out
    assert all(f"\n  {name} " in commands for name in ("check", "build"))


def test_without_a_command_the_help_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "report" in err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"whosasking {whosasking.__version__}\n"


def test_the_formats_offered_are_the_formats_there_are() -> None:
    assert {form.value for form in cli.Format} == set(FORMATS)


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; from whosasking import cli; cli.run(['--help']); sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert not loaded & {"hyperscan", "duckdb", "pandas", "pyspark", "yaml", "zat", "rich"}
    assert "whosasking.pipeline" not in done.stderr.split()


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f'{" ".join(DRIVER)} busy report x --format json --exit-code | head -c 10; echo " ${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith(" 1\n")  # what --exit-code says still holds
    assert "Traceback" not in done.stderr
    assert "Broken pipe" not in done.stderr


def test_interrupted_quietly() -> None:
    command = [*DRIVER, "interrupted", "report", "logs"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "ready\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_narrow_encoding_breaks_no_format(encoding: str, form: str) -> None:
    done = subprocess.run(
        [*DRIVER, "hostile", "report", "logs", "--format", form, "--show-dropped"],
        env={**ENVIRONMENT, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout + done.stderr


def test_a_full_disk_is_one_line() -> None:
    command = ["bash", "-c", f"{' '.join(DRIVER)} busy report logs > /dev/full"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith("whosasking: No space left on device\n")


def test_catalogue_check_says_why_and_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["catalogue", "check", "rdap.arin.net", "whoiselijah.com.au", "x\x1b[2J"]) == 0
    out = capsys.readouterr().out
    assert "rdap.arin.net: rdap" in out
    assert "whoiselijah.com.au: no lookup host" in out
    assert "\x1b" not in out


def test_catalogue_build_check_tells_stale_copies(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    stale = [Path("zeek_scripts/hosts-data.zeek")]
    monkeypatch.setattr("whosasking.catalogue.build.build", lambda *, check: asked.append(check) or stale)
    assert cli.run(["catalogue", "build", "--check"]) == 1
    assert capsys.readouterr().out == "not current: zeek_scripts/hosts-data.zeek\n"
    assert cli.run(["catalogue", "build"]) == 0
    stale.clear()
    assert cli.run(["catalogue", "build", "--check"]) == 0
    assert asked == [True, False, True]
