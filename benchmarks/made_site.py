"""A made site whose truth is known: what every host's processes did in one day, before anyone looked at it.

Hosts churn addresses (DHCP), some sit behind NAT, their clocks are off by seconds to days, drift and are stepped; pids
are reused; endpoint products record all, half, one a day of a kind, no local port, or nothing. Same bytes for the same
options. ``site_files`` writes what sensors and products would have logged of it; `calibrate.py` compares.
"""

# ruff: noqa: PLR2004 - a made world is shares and ports

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
START: Final = 1_790_812_800 * SECOND  # 2026-10-01T00:00:00Z
EPOCHS: Final = 6
"""DHCP leases last a sixth of the day; then the moving hosts draw addresses again."""
RESOLVER: Final = "10.9.9.9"
PROXY: Final = (10 << 24) + (9 << 16) + (9 << 8) + 8
PROXY_PORT: Final = 3128
FIRST_PORT, PORTS = 49_152, 16_384
PIDS: Final = 1_200
"""Pids a host uses in turn, so that a busy one uses each again within the day."""
NAT_NETS: Final = 20
"""Every second one keeps the client's port; half of them have a public address, as seen from outside the border."""

SYSMON, SAMPLED, DEFENDER, FDR, NONE = range(5)
PRODUCTS: Final = (
    "Sysmon",
    "Sysmon, half left out",
    "Defender, one a day",
    "CrowdStrike, no local port, a fifth left out",
    "none",
)
PRODUCT_SHARES: Final = (0.55, 0.1, 0.2, 0.08, 0.07)


class Program(NamedTuple):
    """A program of the site. ``starts`` and ``connections`` are weights, ``life`` its mean in seconds.

    ``hello`` names its TLS stack: those of one stack send one ClientHello, but ``new`` ones a new one each time, as
    Chromium does with the order of its extensions.
    """

    path: str
    command: str
    starts: float
    connections: float
    life: float
    port: int
    udp: bool = False
    hello: str = "schannel"


PROGRAMS: Final = (
    Program(r"C:\Windows\System32\svchost.exe", "svchost.exe -k NetworkService -p -s Dnscache", 0, 30, 0, 53, udp=True),
    Program(r"C:\Windows\System32\svchost.exe", "svchost.exe -k netsvcs -p -s BITS", 2, 9, 9_000, 443),
    Program(
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        "chrome.exe --type=utility",
        3,
        22,
        7_000,
        443,
        hello="new",
    ),
    Program(r"C:\Program Files\Mozilla Firefox\firefox.exe", "firefox.exe -contentproc", 2, 8, 7_000, 443, hello="nss"),
    Program(
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe", "msedge.exe", 2, 8, 7_000, 443, True, "new"
    ),
    Program(r"C:\Program Files\Microsoft Office\OUTLOOK.EXE", "OUTLOOK.EXE /recycle", 1, 6, 20_000, 443),
    Program(r"C:\Users\Public\Teams\Teams.exe", "Teams.exe --process-start-args", 1, 6, 20_000, 443, hello="new"),
    Program(r"C:\Program Files\Git\bin\git.exe", "git.exe fetch --all", 12, 3, 6, 443, hello="git"),
    Program(r"C:\Windows\System32\curl.exe", "curl.exe -sS https://updates.example/", 10, 2, 3, 443, hello="curl"),
    Program(r"C:\Python313\python.exe", "python.exe -m pip install -r a.txt", 9, 3, 30, 443, hello="openssl"),
    Program(r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", "powershell.exe -File a.ps1", 12, 2, 40, 80),
    Program(r"C:\Program Files\Agent\agent.exe", "agent.exe --service", 1, 4, 40_000, 8443, hello="go"),
    Program(r"C:\Windows\System32\lsass.exe", "lsass.exe", 0, 3, 0, 88),
    Program(r"C:\Windows\System32\cmd.exe", "cmd.exe /c dir", 25, 0, 2, 0),
    Program(r"C:\Windows\System32\conhost.exe", "conhost.exe 0xffffffff -ForceV1", 20, 0, 5, 0),
    Program(r"C:\Tools\whois.exe", "whois.exe -v example.com", 0.4, 0.05, 2, 43),
    Program("/usr/lib/systemd/systemd-resolved", "/usr/lib/systemd/systemd-resolved", 0, 0, 0, 53),
)
BUSY: Final = 12
"""The program that what would have been whois is on a host that looks nothing up."""
WHOIS: Final = next(number for number, one in enumerate(PROGRAMS) if one.path.endswith("whois.exe"))
CURL: Final = next(number for number, one in enumerate(PROGRAMS) if one.hello == "curl")
"""Its command line names its server."""
RESOLVED: Final = len(PROGRAMS) - 1
"""It asks for every process of a host that has it at work."""


class Processes(NamedTuple):
    """One entry a process. Times are the sensor's; ``started`` before the day means that no start was logged."""

    host: Ints
    program: Ints
    pid: Ints
    started: Ints
    ended: Ints


class Connections(NamedTuple):
    """One entry a connection, in order of time. ``src`` and ``port`` are the host's own, ``wire_*`` what is seen."""

    ts: Ints
    process: Ints
    src: Ints
    port: Ints
    wire_src: Ints
    wire_port: Ints
    server: Ints
    dst_port: Ints
    udp: Flags
    failed: Flags
    recorded: Flags
    """Whether the host's product wrote an event of it."""
    lag: Ints
    resolved: Flags
    """Whether its process resolved the server's name just before, and the product wrote that down."""


class Clocks(NamedTuple):
    """Sensor minus host: ``offset`` at the start, plus ``drift`` a day, plus ``step`` from ``stepped`` on."""

    offset: Ints
    drift: Ints
    stepped: Ints
    step: Ints

    def at(self, host: Ints, ts: Ints) -> Ints:
        """Return the offset of each host at each time."""
        since = (ts - START).astype(np.float64) / DAY
        drifted = (self.drift[host] * since).astype(np.int64)
        return self.offset[host] + drifted + np.where(ts >= self.stepped[host], self.step[host], 0)


class Site(NamedTuple):
    """Everything that is true. Addresses are IPv4 as numbers; ``leases`` is (epoch, host)."""

    product: Ints
    nat: Ints
    """Number of the NAT network a host is behind, -1 for none."""
    proxied: Flags
    """Whether a host reaches HTTPS servers through the proxy; its product writes down the server's name."""
    stub: Flags
    """Whether a host's processes ask a resolver of its own, which then is the one whose questions are written down."""
    moves: Flags
    leases: Ints
    clocks: Clocks
    processes: Processes
    connections: Connections
    servers: Ints


def make(hosts: int, connections: int, starts: int, seed: int, curious: int | None = None) -> Site:
    """Roll a site: ``starts`` processes start during its day, besides those that already ran.

    Only ``curious`` of the hosts (None: all) use whois.
    """
    dice = np.random.default_rng(seed)
    product = dice.choice(len(PRODUCTS), hosts, p=PRODUCT_SHARES)
    nat = np.where(dice.random(hosts) < 0.05, dice.integers(0, NAT_NETS, hosts), -1)
    moves = (dice.random(hosts) < 0.3) & (nat < 0)
    proxied = (product == DEFENDER) & (dice.random(hosts) < 0.3) & (nat < 0)
    stub = (product == FDR) & (dice.random(hosts) < 0.5)
    clocks = _clocks(dice, hosts)
    processes = _processes(dice, hosts, starts)
    if curious is not None:
        asking = (processes.program == WHOIS) & (processes.host >= curious)
        processes = processes._replace(program=np.where(asking, BUSY, processes.program))
    servers = _servers(dice)
    leases = _leases(dice, moves, nat)
    return Site(
        product=product,
        nat=nat,
        proxied=proxied,
        stub=stub,
        moves=moves,
        leases=leases,
        clocks=clocks,
        processes=processes,
        connections=_connections(dice, connections, processes, leases, (product, nat)),
        servers=servers,
    )


def _clocks(dice: np.random.Generator, hosts: int) -> Clocks:
    kind = dice.random(hosts)
    near, hours, days = dice.normal(0, 2, hosts), dice.uniform(-5, 5, hosts) * 3600, dice.uniform(-6, 6, hosts) * 86_400
    offset = np.where(kind < 0.7, near, np.where(kind < 0.9, hours, days)) * SECOND
    drift = np.where(dice.random(hosts) < 0.2, dice.uniform(-4, 4, hosts), dice.uniform(-0.05, 0.05, hosts)) * SECOND
    steps = dice.random(hosts) < 0.05
    stepped = np.where(steps, START + dice.uniform(0.3, 0.7, hosts) * DAY, START + 10 * DAY)
    step = dice.uniform(1, 120, hosts) * SECOND
    return Clocks(*(part.astype(np.int64) for part in (offset, drift, stepped, step)))


def _leases(dice: np.random.Generator, moves: Flags, nat: Ints) -> Ints:
    """Give each host its address in each epoch; moving hosts share one pool, so addresses pass from host to host."""
    hosts = len(moves)
    base = (10 << 24) + (1 << 16) + 10
    leases = np.tile(base + np.arange(hosts), (EPOCHS, 1))
    movers = np.flatnonzero(moves)
    for epoch in range(EPOCHS):
        pool = (10 << 24) + (64 << 16) + 10 + dice.permutation(int(len(movers) * 1.2) + 1)
        leases[epoch, movers] = pool[: len(movers)]
    inside = np.flatnonzero(nat >= 0)
    leases[:, inside] = (192 << 24) + (168 << 16) + 10 + np.arange(len(inside)) // NAT_NETS
    return leases


def _processes(dice: np.random.Generator, hosts: int, starts: int) -> Processes:
    weights = np.array([program.starts for program in PROGRAMS])
    resident = np.flatnonzero(np.array([program.life == 0 or program.life > 5000 for program in PROGRAMS]))
    life = np.array([program.life for program in PROGRAMS])
    host = np.concatenate([np.repeat(np.arange(hosts), len(resident)), np.sort(dice.integers(0, hosts, starts))])
    program = np.concatenate([np.tile(resident, hosts), dice.choice(len(PROGRAMS), starts, p=weights / weights.sum())])
    started = np.concatenate(
        [
            START - dice.integers(SECOND, 20 * DAY, hosts * len(resident)),
            START + (dice.random(starts) * DAY).astype(np.int64),
        ]
    )
    lasted = (dice.exponential(1, len(host)) * np.maximum(life[program], 1) * SECOND).astype(np.int64) + SECOND // 2
    ended = np.where(started < START, START + 2 * DAY, started + lasted)
    order = np.lexsort((started, host))
    host, program, started, ended = (part[order] for part in (host, program, started, ended))
    # Windows numbers in steps of 4 and takes a number again when its process is gone; so do these.
    first = np.searchsorted(host, np.arange(hosts))
    turn = np.arange(len(host)) - first[host]
    pid = 4 * (1 + np.where(turn < len(resident), turn, len(resident) + (turn * 7) % PIDS))
    return Processes(host, program, pid.astype(np.int64), started, ended)


def _servers(dice: np.random.Generator) -> Ints:
    first = dice.choice(np.array([13, 34, 52, 104, 142, 151, 185]), 20_000)
    rest = dice.permutation(1 << 24)[:20_000]
    return (first.astype(np.int64) << 24) + rest


def _connections(
    dice: np.random.Generator, count: int, processes: Processes, leases: Ints, hosts: tuple[Ints, Ints]
) -> Connections:
    product, nat = hosts
    process = _who(dice, count, processes)
    begin = np.maximum(processes.started[process], START)
    end = np.minimum(processes.ended[process], START + DAY)
    ts = _in_bursts(dice, processes.host[process], (begin, end))
    order = np.argsort(ts, kind="stable")
    ts, process = ts[order], process[order]
    host, program = processes.host[process], processes.program[process]
    epoch = np.clip((ts - START) // (DAY // EPOCHS), 0, EPOCHS - 1)
    src, port = leases[epoch, host], _ports(dice, host)
    behind = nat[host]
    dst_port = np.array([one.port for one in PROGRAMS])[program]
    quic = np.array([one.udp for one in PROGRAMS])[program] & (dice.random(count) < 0.7)
    udp = quic | (dst_port == 53)
    server = _asked(dice, program, process)
    failed = ~udp & (dice.random(count) < 0.03)
    lag = np.where(udp, np.minimum(dice.exponential(0.2, count), 10), np.abs(dice.normal(0.001, 0.001, count)))
    return Connections(
        ts=ts,
        process=process,
        src=src,
        port=port,
        wire_src=np.where(behind >= 0, _translator(behind), src),
        wire_port=np.where((behind >= 0) & (behind % 2 == 1), dice.integers(1024, 65_535, count), port),
        server=server,
        dst_port=dst_port,
        udp=udp,
        failed=failed,
        recorded=_recorded(dice, product[host], failed, (process, server, dst_port)),
        lag=(lag * SECOND).astype(np.int64),
        resolved=~udp & (dst_port != 88) & (dice.random(count) < 0.35) & np.isin(product[host], (SYSMON, SAMPLED, FDR)),
    )


def _translator(net: Ints) -> Ints:
    """Give the address that each network's connections have behind it."""
    return np.where(net % 4 < 2, (10 << 24) + (250 << 16), (91 << 24) + (198 << 16) + (174 << 8)) + 1 + net


def _in_bursts(dice: np.random.Generator, host: Ints, life: tuple[Ints, Ints]) -> Ints:
    """Choose times: three of five connections follow what a person or a timer began, all of a host's within seconds."""
    begin, end = life
    ts = begin + (dice.random(len(host)) * (end - begin)).astype(np.int64)
    every = 400 * SECOND
    began = ts - (ts + 7919 * SECOND * host) % every
    burst = began + (dice.exponential(10, len(host)) * SECOND).astype(np.int64)
    return np.where((dice.random(len(host)) < 0.6) & (burst > begin) & (burst < end), burst, ts)


def _who(dice: np.random.Generator, count: int, processes: Processes) -> Ints:
    """Choose the process of each connection: by its program's weight, shared out by how long each one lived."""
    weights = np.array([program.connections for program in PROGRAMS])
    day = np.clip(processes.ended, START, START + DAY) - np.clip(processes.started, START, START + DAY)
    lived = day.astype(np.float64) + SECOND
    total = np.bincount(processes.program, lived, minlength=len(PROGRAMS))
    share = weights[processes.program] * lived / total[processes.program]
    cumulated = np.cumsum(share)
    return np.minimum(np.searchsorted(cumulated, dice.random(count) * cumulated[-1]), len(share) - 1)


def _ports(dice: np.random.Generator, host: Ints) -> Ints:
    """Give each connection its host's next ephemeral port but one or two; they come round within the day."""
    order = np.argsort(host, kind="stable")
    steps = np.cumsum(dice.integers(1, 4, len(host)))
    ports = np.empty(len(host), np.int64)
    ports[order] = FIRST_PORT + (steps + 7919 * host[order]) % PORTS
    return ports


def _asked(dice: np.random.Generator, program: Ints, process: Ints) -> Ints:
    """Choose servers: half from eighty that all programs use, the rest from each program's own two hundred.

    A process of curl has one server of its own.
    """
    count = len(program)
    shared = dice.random(count) < 0.5
    common = (80 * dice.random(count) ** 2).astype(np.int64)
    own = (program * 977 + (200 * dice.random(count) ** 2).astype(np.int64)) % 20_000
    return np.where(program == CURL, named_server(process), np.where(shared, common, own))


def named_server(process: Ints) -> Ints:
    """Give the server that the command line of a process names, if it names one."""
    return (process * 7919) % 20_000


def _recorded(dice: np.random.Generator, product: Ints, failed: Flags, kind: tuple[Ints, Ints, Ints]) -> Flags:
    share = np.array([1.0, 0.5, 1.0, 0.8, 0.0])[product]
    kept = ~failed & (dice.random(len(product)) < share)
    capped = np.flatnonzero((product == DEFENDER) & kept)
    process, server, port = (part[capped] for part in kind)
    key = (process * 20_000 + server) * 65_536 + port
    _, first = np.unique(key, return_index=True)
    again = np.ones(len(capped), bool)
    again[first] = False
    kept[capped[again]] = False
    return kept
