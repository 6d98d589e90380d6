"""The command line: parse, run, render, exit code. No logic: that is ``pipeline`` and the stages.

Exit status: 0 done; 1 only with ``report --exit-code`` and ``catalogue build --check``; 2 when nothing could be read or
the call is wrong; 130 when interrupted. Everything heavy is imported by the command that needs it, so that ``--help``
answers at once.
"""
# ruff: noqa: PLC0415, FBT002 - imports stand where they are needed, see above; a flag is a bool with a default
# Annotations stay real objects here (no "from __future__ import annotations"): Typer reads them at run time.

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whosasking import __version__, storage
from whosasking.choices import Engine, Format, Sensor

if TYPE_CHECKING:
    from whosasking.connections import ConnectionReport
    from whosasking.model import Report

DEBUG = "WHOSASKING_DEBUG"
"""Environment variable: set to 1, an internal error shows its traceback."""

INTERRUPTED = 130
FAILED = 2

app = typer.Typer(
    name="whosasking",
    help="Who looked you up in WHOIS and RDAP, and with which process (ATT&CK T1596.002).",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
catalogue_app = typer.Typer(help="What the catalogue of WHOIS and RDAP hosts knows.", rich_markup_mode=None)
app.add_typer(catalogue_app, name="catalogue")


def _instant(text: str) -> int:
    from whosasking.reports import instants

    try:
        return instants.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} {error}") from None


def _version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag's value
    if wanted:
        typer.echo(f"whosasking {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> int:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        return FAILED
    return 0


# Options that more than one command has.
_Form = Annotated[Format, typer.Option("--format", "-f", help="What to write.")]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write there, whole or not at all, instead of to stdout."),
]


@app.command()
def report(  # noqa: PLR0913, PLR0917 - one parameter per flag
    paths: Annotated[
        list[str],
        typer.Argument(
            parser=storage.argument,
            metavar="PATH",
            show_default=False,
            help="Files or folders, told apart by content: Zeek logs (TSV, JSON, plain, .gz or .zst, Parquet "
            "tables, rotated trees), Suricata EVE JSON, packet captures (pcap, pcapng), endpoint exports (Sysmon, "
            "Microsoft Defender and others), also by URL (s3://, hdfs://, ...); - is standard input.",
        ),
    ],
    form: _Form = Format.TERMINAL,
    output: _Output = None,
    since: Annotated[
        int | None,
        typer.Option(
            parser=_instant,
            metavar="T",
            help="Only lookups from T on: ISO 8601 (UTC unless it has a zone), a date, or epoch seconds.",
        ),
    ] = None,
    until: Annotated[
        int | None,
        typer.Option(parser=_instant, metavar="T", help="Only lookups before T."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings and allow rules (whosasking.yaml)."),
    ] = None,
    show_dropped: Annotated[
        bool, typer.Option("--show-dropped", help="List every lookup that was set aside, with its reason.")
    ] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when anything is reported.")] = False,
    sensor: Annotated[
        Sensor,
        typer.Option(help="What reads packet captures: auto takes the best one here, all compares those here."),
    ] = Sensor.AUTO,
    keep_logs: Annotated[
        Path | None,
        typer.Option("--keep-logs", metavar="DIR", help="Keep what the sensor wrote about captures there."),
    ] = None,
    carve: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the packets of each finding there, with a manifest."),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="What scans the logs and joins: this process, or a Spark cluster.")
    ] = Engine.EMBEDDED,
    master: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The cluster of --engine spark: spark://HOST:PORT, local[N], yarn, k8s://..."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Read every line, without the sieve: slow, to check the fast way.")
    ] = False,
) -> int:
    """Report the WHOIS and RDAP lookups in logs and endpoint exports, and the processes behind them."""
    from whosasking import output as outputs
    from whosasking import pipeline, standard_input
    from whosasking.reports import Options, renderer
    from whosasking.reports.progress import for_terminal
    from whosasking.reports.summary import nothing_was_read, summarise

    outputs.check(output, paths)
    progress = for_terminal()
    try:
        cluster = pipeline.cluster(engine, master, paths, exact=exact)
        with cluster as spark, standard_input.spooled(paths) as files:
            result = pipeline.run(
                files,
                config_path=config,
                since=since,
                until=until,
                exact=exact,
                captures=pipeline.captures(sensor, keep_logs, carve),
                progress=progress,
                spark=spark,
            )
        result = standard_input.named(result, paths, files)
    finally:
        progress.close()
    outputs.check(output, [entry.path for entry in result.inputs if entry.kind != "unknown"])
    with _reader_may_leave(), outputs.opened(output) as stream:
        renderer(form)(result, stream, Options(show_dropped=show_dropped))
    _remark(result, output, form)
    if nothing_was_read(result):
        return FAILED
    return int(exit_code and summarise(result).reported > 0)


@app.command()
def attribute(  # noqa: PLR0913, PLR0917 - one parameter per flag
    paths: Annotated[
        list[str],
        typer.Argument(
            parser=storage.argument,
            metavar="PATH",
            show_default=False,
            help="Files or folders, as for report: conn.log or EVE with flow events, packet captures, endpoint "
            "exports; - is standard input.",
        ),
    ],
    form: _Form = Format.TERMINAL,
    output: _Output = None,
    since: Annotated[
        int | None,
        typer.Option(parser=_instant, metavar="T", help="Only connections from T on, in the forms report takes."),
    ] = None,
    until: Annotated[
        int | None,
        typer.Option(parser=_instant, metavar="T", help="Only connections before T."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings (whosasking.yaml): addresses of hosts."),
    ] = None,
    sensor: Annotated[
        Sensor,
        typer.Option(help="What reads packet captures: auto takes the best one here; tshark tells no connections."),
    ] = Sensor.AUTO,
) -> int:
    """Show the process behind every connection in the logs, not only behind lookups."""
    from whosasking import output as outputs
    from whosasking import pipeline, standard_input
    from whosasking.reports.connections import render
    from whosasking.reports.progress import for_terminal
    from whosasking.reports.summary import nothing_was_read

    outputs.check(output, paths)
    progress = for_terminal()
    try:
        with (
            standard_input.spooled(paths) as files,
            pipeline.connections(
                files, config_path=config, since=since, until=until, sensor=sensor, progress=progress
            ) as result,
        ):
            result.inputs = standard_input.renamed(result.inputs, paths, files)
            outputs.check(output, [entry.path for entry in result.inputs if entry.kind != "unknown"])
            with _reader_may_leave(), outputs.opened(output) as stream:
                render(form, result, stream)
            empty = nothing_was_read(result)
    finally:
        progress.close()
    if output is not None or form is not Format.TERMINAL:
        _remark_inputs(result, form)
    return FAILED if empty else 0


@app.command()
def explain(
    lookup: Annotated[str, typer.Argument(metavar="ID", show_default=False, help="A lookup, as in the report: L12.")],
    report_file: Annotated[
        Path, typer.Argument(metavar="REPORT.json", show_default=False, help="A report written with --format json.")
    ],
) -> int:
    """Show the evidence for one lookup: candidates, times on both clocks, why this process, why this verdict."""
    from whosasking.output import opened
    from whosasking.reports.explain import explain as draw

    with _reader_may_leave(), opened(None) as out:
        draw(lookup, report_file, out)
    return 0


def _remark(result: "Report", output: Path | None, form: Format) -> None:
    """Say on stderr what the reader of a file or a pipe would otherwise not see."""
    from whosasking.reports import words
    from whosasking.reports.escape import plain
    from whosasking.reports.summary import summarise

    if output is None and form is Format.TERMINAL:
        return
    _remark_inputs(result, form)
    if output is not None:
        counts = summarise(result)
        aside = counts.dropped + counts.allowed
        many = words.count(counts.reported, "lookup")
        _say(f"{many} reported, {aside:,} set aside; the report is in {plain(str(output))}")


def _remark_inputs(result: "Report | ConnectionReport", form: Format) -> None:
    """Say on stderr which inputs could not be read."""
    from whosasking.reports import words
    from whosasking.reports.escape import plain
    from whosasking.reports.summary import nothing_was_read

    broken = sum(entry.unreadable for entry in result.inputs)
    if nothing_was_read(result):
        _say("no input could be read")
    elif broken:
        _say(f"{broken:,} of {words.count(len(result.inputs), 'input')} could not be read")
    for entry in result.inputs if form is Format.CSV or broken == len(result.inputs) else ():
        if entry.unreadable:
            _say(plain(f"{entry.path}: {entry.skipped[0].reason if entry.skipped else 'nothing could be read'}"))


@catalogue_app.command("check")
def check(
    hosts: Annotated[list[str], typer.Argument(metavar="HOST", show_default=False, help="Host names or URLs.")],
) -> int:
    """Say why a host name counts as a WHOIS or RDAP host, or why not."""
    from whosasking.catalogue import explain

    with _reader_may_leave():
        for line in explain.lines(hosts):
            typer.echo(line)
    return 0


@catalogue_app.command("build")
def build(
    only_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 when a copy is not what it would be now.")
    ] = False,
) -> int:
    """Generate every copy of the catalogue that the sensors use."""
    from whosasking.catalogue import build as generators

    stale = generators.build(check=only_check)
    with _reader_may_leave():
        for path in stale:
            typer.echo(f"{'not current' if only_check else 'written'}: {path}")
    return int(only_check and bool(stale))


@app.command()
def doctor() -> int:
    """Show which sensors and packages are here, and what each adds."""
    from whosasking import doctor as checks
    from whosasking.output import opened

    with _reader_may_leave(), opened(None) as out:
        checks.render(checks.examine(), out)
    return 0


@contextlib.contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Let a reader close the pipe (``| head``) without an error: what is left to write goes nowhere."""
    try:
        yield
    except BrokenPipeError:
        _discard_stdout()


def _discard_stdout() -> None:
    """Without this the interpreter complains when it flushes stdout at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name) and return its exit status."""
    from whosasking.errors import WhosaskingError

    try:
        status = typer.main.get_command(app).main(list(arguments), prog_name="whosasking", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        _discard_stdout()
        return 0
    except WhosaskingError as error:
        _say(str(error))
        return FAILED
    except OSError as error:
        if os.environ.get(DEBUG) == "1":
            raise
        _discard_stdout()
        _say(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a user never sees a traceback unasked
        return _wrong_call(error) or _bug(error)
    return status if isinstance(status, int) else 0


def _wrong_call(error: Exception) -> int:
    """One line for a wrong command line. Typer carries its own Click since 0.16, so only the shape tells its errors."""
    message = getattr(error, "format_message", None)
    if message is None:
        return 0
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "whosasking"
    text = " ".join(str(message()).split())
    _say(f"{text if text.endswith('?') else text.rstrip('.') + '.'} See: {command} --help")
    return FAILED


def _bug(error: Exception) -> int:
    if os.environ.get(DEBUG) == "1":
        raise error
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    _say(f"internal error ({what}). This is a bug in whosasking {__version__}: please report it in the project's issue "
         f"tracker with what {DEBUG}=1 shows.")  # fmt: skip
    return FAILED


def _say(text: str) -> None:
    """One line on stderr, whatever it holds."""
    from whosasking.reports.escape import plain

    line = f"whosasking: {plain(text)}\n"
    if sys.stderr is not None:
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding))


def main() -> None:
    """Entry point of ``whosasking``."""
    raise SystemExit(run(sys.argv[1:]))
