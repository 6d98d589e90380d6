"""Windows' Security log: connections the filtering platform allowed (5156), process starts (4688) and exits (4689).

Processes are numbered by pid alone, in hexadecimal in 4688 and 4689; a connection is given to the start of its pid that
came before it. The time is the time of logging, which is all these events have: this product has a clock of its own.
In 5156 the source is this host's side whoever opened the connection; the direction says who did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.endpoints.interface import Facts
from whosasking.endpoints.lives import Exit
from whosasking.endpoints.reading import NO_REMOTE, BadRecordError, End, socket
from whosasking.endpoints.values import address, basename, port, process_id, transport, verbatim

if TYPE_CHECKING:
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.endpoints.reading import At
    from whosasking.endpoints.sysmon import Event

PRODUCT = "Windows Security"
_CONNECTION, _START, _EXIT = 5156, 4688, 4689
USED = frozenset({_CONNECTION, _START, _EXIT})
_DIRECTIONS = {"%%14592": False, "%%14593": True, "inbound": False, "outbound": True}
_TRANSPORTS = frozenset({"tcp", "udp"})


def take(event: Event, number: int | None, at: At, collector: Collector, noted: Noted) -> None:
    """Hand one event to the collector. Raises BadRecordError."""
    if number == _CONNECTION:
        _connection(event, at, collector, noted)
    elif number == _START:
        _start(event, at, collector)
    else:
        _exit(event, at, collector)


def _key(at: At, pid: int | None, image: str, started: int | None = None) -> str:
    return f"{at.host}/security/{pid or '?'}/{started or '?'}/{image.lower()}"


def _account(event: Event, whose: str) -> str | None:
    name, domain = event.text(f"{whose}_user"), event.text(f"{whose}_domain")
    return f"{domain}\\{name}" if name and domain else name


def _start(event: Event, at: At, collector: Collector) -> None:
    image, pid = event.text("new_image"), process_id(event.raw("new_pid"))
    if image is None or pid is None:
        raise BadRecordError("names no process: NewProcessName or NewProcessId is missing")
    creator_pid, creator = process_id(event.raw("creator_pid")), event.text("creator_image")
    parent = None
    if creator is not None:
        # The creator's own start tells more, where it was recorded; this is what remains without it.
        facts = Facts(host=at.host, name=basename(creator), pid=creator_pid, path=creator)
        parent = collector.process(_key(at, creator_pid, creator), facts)
    facts = Facts(
        host=at.host,
        name=basename(image),
        pid=pid,
        path=image,
        command_line=verbatim(event.raw("command_line")),
        # The target is set where the new process runs under another account than its creator.
        user=_account(event, "target") or _account(event, "subject"),
        started=at.ts,
        parent=parent,
        parent_pid=creator_pid,
        clock=PRODUCT,
    )
    key = collector.process(_key(at, pid, image, at.ts), facts)
    collector.start(key, at.ts, PRODUCT, at.source, (key, at.ts))


def _exit(event: Event, at: At, collector: Collector) -> None:
    pid, image = process_id(event.raw("exited_pid")), event.text("exited_image")
    if pid is None:
        raise BadRecordError("no ProcessId")
    collector.exit(Exit(PRODUCT, at.host, pid, basename(image), at.ts))


def _connection(event: Event, at: At, collector: Collector, noted: Noted) -> None:
    protocol = transport(event.raw("protocol"))
    if protocol not in _TRANSPORTS:
        noted.add("5156 events of another protocol than TCP and UDP")
        return
    local = End(address(event.raw("from_ip")), port(event.raw("from_port")))
    remote = End(address(event.raw("to_ip")), port(event.raw("to_port")))
    if remote.ip is None:
        noted.add(NO_REMOTE)
        return
    initiated = _DIRECTIONS.get((event.text("wfp_direction") or "").lower())
    image, pid = event.text("application"), process_id(event.raw("owner_pid"))
    key = None
    if image is not None:
        facts = Facts(host=at.host, name=basename(image), pid=pid, path=image, clock=PRODUCT)
        key = collector.process(_key(at, pid, image), facts)
    collector.socket(key, socket(at, local, remote, protocol, initiated=initiated), pid)
