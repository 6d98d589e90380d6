"""The files the benchmark reads, made where they are not there yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from whosasking.catalogue import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

HALF_CONNECTIONS: Final = 1_000_000
_DONE: Final = ".done"


class Data:
    """A day of ``connections`` in ``folder``; each log is rotated into ``files`` files."""

    def __init__(self, folder: Path, connections: int, files: int) -> None:
        """Nothing is made yet."""
        self.connections = connections
        self.files = files
        self.folder = folder / f"day-{connections}-{files}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def names(self) -> Path:
        """Return the file of the catalogue's host names."""
        path = self.folder / "names.txt"
        path.write_text("\n".join(sorted(fact.name for fact in compiled.read().hosts)) + "\n", "utf-8")
        return path

    def tsv(self) -> list[Path]:
        """Return Zeek's TSV logs."""
        return self._made("tsv", lambda place: _generate(place, self.connections, "tsv", self.files))

    def gz(self) -> list[Path]:
        """Return the TSV logs as .gz of gzip's default level."""

        def pack(place: Path) -> None:
            place.mkdir(parents=True, exist_ok=True)
            waiting = [(str(path), str(place / f"{path.name}.gz")) for path in self.tsv()]
            running: list[subprocess.Popen[bytes]] = []
            for source, target in waiting:
                running.append(subprocess.Popen(["bash", "-c", 'gzip -6 -c "$0" > "$1"', source, target]))
                if len(running) > 1 and running.pop(0).wait():
                    raise SystemExit("gzip failed")
            if any(process.wait() for process in running):
                raise SystemExit("gzip failed")

        return self._made("gz", pack)

    def eve(self) -> list[Path]:
        """Return a fifth of the connections as Suricata's EVE: jq needs its time."""
        return self._made("eve", lambda place: _generate(place, self.connections // 5, "eve", 1, "--one-in=10000"))

    def half(self) -> list[Path]:
        """Return the logs of names, half of whose lines the sieve lets through though they mean nothing."""
        made = self._made("half", lambda place: _generate(place, HALF_CONNECTIONS, "tsv", 1, "--traps=0.5"))
        return [path for path in made if not path.name.startswith("conn")]

    def _made(self, name: str, make: Callable[[Path], None]) -> list[Path]:
        place = self.folder / name
        if not (place / _DONE).exists():
            print(f"  making {place}", flush=True)
            for old in place.rglob("*.*"):
                if old.is_file():
                    old.unlink()
            make(place)
            (place / _DONE).touch()
        return sorted(path for path in place.rglob("*.*") if path.is_file() and not path.name.startswith("."))


def _generate(place: Path, connections: int, form: str, files: int, *more: str) -> None:
    """Run the generator as a program: the memory of this one would be counted as that of every process it starts."""
    program = [sys.executable, str(Path(__file__).with_name("generate.py")), str(place), f"--connections={connections}"]
    subprocess.run([*program, f"--form={form}", f"--files={files}", *more], check=True)


def text_size(files: list[Path]) -> int:
    """Return the bytes of plain files."""
    return sum(path.stat().st_size for path in files)


def warm(files: list[Path]) -> None:
    """Read the files once, so that every contender finds them in the page cache if they fit there."""
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(4 << 20):
                pass
