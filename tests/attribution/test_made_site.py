"""A small made site, where the truth is known: an attribution that states that it is sure must be right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from whosasking.cli import app

pytest.importorskip("numpy")
pytest.importorskip("whosasking.connections", reason="whosasking attribute is not here")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("site")
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import calibrate  # noqa: PLC0415 - no package
        import made_site  # noqa: PLC0415
        import site_files  # noqa: PLC0415
    finally:
        sys.path.remove(str(BENCHMARKS))
    site_files.write(made_site.make(hosts=12, connections=6000, starts=2500, seed=5), folder, noise=500)
    ran = CliRunner().invoke(
        app,
        [
            "attribute",
            "--format",
            "csv",
            "-o",
            str(folder / "attributed.csv"),
            str(folder / "edr"),
            str(folder / "zeek"),
        ],
    )
    assert ran.exit_code == 0, ran.output
    return calibrate.compare(folder)


def test_what_is_sure_is_right(measured) -> None:
    sure = [row for row in measured.rows if row.method == "5-tuple" and row.stated >= 0.9]
    assert sum(row.answers for row in sure) > 2000
    assert sum(row.right for row in sure) / sum(row.answers for row in sure) >= 0.995


def test_no_method_is_much_surer_than_it_is_right(measured) -> None:
    assert not [row for row in measured.rows if row.answers >= 100 and row.precision < row.stated - 0.05]


def test_every_connection_is_there_and_unrecorded_hosts_are_named_by_nobody(measured) -> None:
    # Behind the proxy stands a second connection for each through it.
    assert 6000 <= measured.connections < 6600
    assert 0.5 < measured.attributed / measured.connections < 0.95
    assert {name: named for name, _, named in measured.covered}.get("none", 0) == 0
