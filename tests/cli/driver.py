"""Runs the real command line in a process of its own, with a prepared Report in the place of the pipeline's.

Arguments: name of a function of ``reports.sample``, then the command line. With ``--forever`` in front it repeats.
"""

from __future__ import annotations

import contextlib
import sys
import types

import whosasking
from reports import sample
from whosasking import cli


def install(name: str) -> None:
    """Put a pipeline in place that returns ``sample.<name>()``, or does what ``name`` says."""
    stub = types.ModuleType("whosasking.pipeline")

    def run(*_: object, **__: object) -> object:
        if name == "interrupted":
            raise KeyboardInterrupt
        if name == "broken":
            raise ZeroDivisionError("secret \x1b[31m\nsecond line")
        return getattr(sample, name)()

    stub.run = run  # type: ignore[attr-defined]
    stub.captures = lambda *how: how  # type: ignore[attr-defined]
    stub.cluster = lambda *_, **__: contextlib.nullcontext()  # type: ignore[attr-defined]
    sys.modules["whosasking.pipeline"] = stub
    whosasking.pipeline = stub  # type: ignore[attr-defined]


if __name__ == "__main__":
    arguments = sys.argv[1:]
    forever = arguments[0] == "--forever"
    install(arguments[forever])
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    status = cli.run(arguments[1 + forever :])
    while forever:
        cli.run(arguments[2:])
    raise SystemExit(status)
