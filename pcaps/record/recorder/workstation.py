"""The workstation: its home folder, its login shell under strace, and the steps typed into that shell."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from recorder.network import CLIENT, inside, run

if TYPE_CHECKING:
    from pathlib import Path

    from recorder.addresses import Plan
    from recorder.steps import Step

UID = 4077
DISPLAY = ":77"
STEP_SECONDS = 30.0
SETTLE_SECONDS = 2.5
"""How long a browser stays open after its last page was asked for: its page and connections then are complete."""
CALLS = "%process,connect,bind,getsockname,getsockopt,setsockopt,shutdown,sendto,sendmmsg,close"
"""Starts, ends and connects, and enough later calls on each socket for strace to show both ends of it."""

USER_JS = """\
user_pref("app.normandy.enabled", false);
user_pref("app.update.auto", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.security.https_first", false);
user_pref("termsofuse.bypassNotification", true);
user_pref("trailhead.firstrun.didSeeAboutWelcome", true);
"""


@dataclass(frozen=True)
class StepRun:
    """A step as it went: wall-clock seconds of start and end, and the exit status."""

    name: str
    command: str
    start: float
    end: float
    status: int


def prepare_home(home: Path, sources: Path, authority: Path, python: str) -> None:
    """Lay out the user's files: scripts, a compiled Go program, PyPI packages, browser profiles."""
    shutil.copytree(sources / "bin", home / "bin")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    subprocess.run(
        ["go", "build", "-o", str(home / "bin" / "regcheck"), str(home / "bin" / "regcheck.go")],
        check=True,
        env=environment,
        cwd=home,
    )
    version = system_python()
    packages = home / ".local" / "lib" / f"python{version}" / "site-packages"
    fetch = (python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--python-version", version)
    run(*fetch, "--target", str(packages), "whoisit", "requests")
    firefox = home / ".mozilla" / "firefox" / "work.default-esr"
    for store in (home / ".pki" / "nssdb", firefox):
        store.mkdir(parents=True)
        run("certutil", "-N", "-d", f"sql:{store}", "--empty-password")
        run("certutil", "-A", "-d", f"sql:{store}", "-n", "recorder", "-t", "C,,", "-i", str(authority))
    (firefox / "user.js").write_text(USER_JS)
    (home / ".output").mkdir()
    run("chown", "-R", f"{UID}:{UID}", str(home))


def system_python() -> str:
    """Return major.minor of the Python that the workstation's user runs."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


class Shell:
    """A login shell of the workstation's user; strace watches it and everything it starts."""

    def __init__(self, plan: Plan, homes: Path, trace: Path) -> None:
        """``homes`` is bound over /home inside the namespace, so command lines show ordinary paths."""
        user = plan.client.user
        home = f"/home/{user}"
        watch = f"strace --seccomp-bpf -ff -ttt -yy -xx -s 4096 -o {trace}/t -e trace={CALLS} -u {user} bash -l"
        script = f"hostname {plan.client.host.lower()} && mount --bind {homes} /home && cd {home} && exec {watch}"
        environment = {
            "HOME": home, "USER": user, "LOGNAME": user, "SHELL": "/bin/bash", "LANG": "C.UTF-8", "TERM": "dumb",
            "PATH": "/usr/local/bin:/usr/bin:/bin", "DISPLAY": DISPLAY, "MOZ_DISABLE_AUTO_SAFE_MODE": "1",
            "REQUESTS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
            "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
            "PERL_LWP_SSL_CA_FILE": "/etc/ssl/certs/ca-certificates.crt",
            "NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/recorder.pem",
        }  # fmt: skip
        self.process = subprocess.Popen(
            inside(CLIENT, "unshare", "--uts", "sh", "-c", script),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            start_new_session=True,
        )

    def _type(self, line: str) -> None:
        if self.process.stdin is None:
            raise RuntimeError("the shell has no input")
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def _read(self, word: str, seconds: float) -> int:
        """Return the number after a marker word; raises TimeoutError."""
        pipe = self.process.stdout
        if pipe is None:
            raise RuntimeError("the shell has no output")
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            deadline, buffer = time.time() + seconds, b""
            while time.time() < deadline:
                if not selector.select(deadline - time.time()):
                    break
                chunk = os.read(pipe.fileno(), 1)
                if not chunk:
                    raise RuntimeError("the shell ended early")
                buffer += chunk
                if buffer.endswith(b"\n"):
                    if buffer.startswith(word.encode()):
                        return int(buffer.split()[1])
                    buffer = b""
        raise TimeoutError(f"no '{word}' within {seconds} s")

    def do(self, step: Step, requests: Path) -> StepRun:
        """Run one step to its end."""
        start = time.time()
        redirect = f"> ~/.output/{step.name} 2>&1"
        stdin = "" if "< ~" in step.command else "< /dev/null "
        if step.pages:
            self._type(f"{step.command} {stdin}{redirect} & echo started $!")
            pid = self._read("started", 10)
            self._wait_pages(step, requests, start)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            self._type("wait $!; echo ended $?")
        else:
            self._type(f"{{ {step.command} ; }} {stdin}{redirect}; echo ended $?")
        status = self._read("ended", STEP_SECONDS)
        time.sleep(0.4)
        return StepRun(step.name, step.command, start, time.time(), status)

    def _wait_pages(self, step: Step, requests: Path, since: float) -> None:
        deadline = time.time() + STEP_SECONDS
        while time.time() < deadline:
            seen = set()
            for line in requests.read_text().splitlines() if requests.exists() else []:
                entry = json.loads(line)
                if entry["ts"] >= since:
                    seen.add((entry["host"], entry["target"]))
            if set(step.pages) <= seen:
                break
            time.sleep(0.3)
        else:
            print(f"{step.name}: not every page was asked for within {STEP_SECONDS:.0f} s", file=sys.stderr)
        time.sleep(SETTLE_SECONDS)

    def close(self) -> None:
        """End the shell and whatever it left behind."""
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                self._type("exit 0")
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)


def write_runs(runs: list[StepRun], target: Path) -> None:
    """One JSON line per step."""
    target.write_text("".join(json.dumps(asdict(entry)) + "\n" for entry in runs))
