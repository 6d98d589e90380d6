"""The direction of imports: data flows one way, so does knowledge. A stage knows the records, never another stage."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "analyzer" / "whosasking"
SHARED = {"model", "errors", "leases", "catalogue", "protocols", "progress", "config", "configfile", ""}
STAGES = {"inputs", "sieve", "sensors", "endpoints", "attribution", "engines", "verdicts", "findings", "reports"}
MAY_ALSO_KNOW = {
    "sensors": {"inputs", "sieve"},
    "endpoints": {"inputs", "sieve"},
    "inputs": {"sensors", "endpoints"},  # only their sniffers, imported when an input is looked at
    "attribution": {"engines"},
}
KNOWS_EVERYTHING = {"pipeline", "cli", "doctor", "__main__"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def stage_of(path: Path) -> str:
    top = path.relative_to(PACKAGE).parts[0]
    return top.removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Names of the top-level modules of this package that ``path`` imports, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "whosasking":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("whosasking.")}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_stage_never_imports_another_stage(path: Path) -> None:
    own = stage_of(path)
    if own in KNOWS_EVERYTHING:
        return
    allowed = SHARED | {own} | MAY_ALSO_KNOW.get(own, set())
    assert imported(path) & STAGES <= allowed


def test_only_the_pipeline_and_the_command_line_see_more_than_one_stage() -> None:
    sees_many = {stage_of(p) for p in modules() if len(imported(p) & {"sensors", "endpoints", "attribution"}) > 1}
    assert sees_many <= {"pipeline", "inputs", "doctor"}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_outgrows_a_reader(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < 400


def test_rich_never_reaches_the_logic() -> None:
    for path in modules():
        if stage_of(path) in STAGES - {"reports"} | {"pipeline", "model"}:
            assert "import rich" not in path.read_text("utf-8")
            assert "from rich" not in path.read_text("utf-8")
