"""Helpers of the endpoint tests: read exports without the sensors' part, and write small ones."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whosasking import endpoints
from whosasking.inputs import Input, Inputs, read_head
from whosasking.progress import SILENT

if TYPE_CHECKING:
    from whosasking.model import EndpointReading, InputReport

HERE = Path(__file__).parent


def read(*paths: Path) -> tuple[EndpointReading, list[InputReport]]:
    """Recognise and read the exports; an unknown format is an error of the test."""
    inputs = Inputs()
    for path in paths:
        head = read_head(str(path), 256 << 10)
        kind = endpoints.sniff(head.data)
        assert kind is not None, f"{path.name} was not recognised"
        inputs.endpoints.append(Input(str(path), kind, head.compression))
        inputs.tally(str(path), kind)
    reading = endpoints.read(inputs, SILENT)
    return reading, [inputs.tallies[str(path)].report() for path in paths]


def ndjson(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def csv_text(rows: list[dict[str, str]], header: list[str] | None = None) -> str:
    header = header or list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def reasons(report: InputReport) -> list[str]:
    return [f"{skip.line}: {skip.reason}" for skip in report.skipped]
