"""The namespaces: one workstation, one router that also holds every server. Nothing leads out of them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recorder.addresses import Plan

CLIENT = "wa-client"
NET = "wa-net"
TAP = "wa-tap"
"""The router's end of the link to the workstation: what a sensor on a span port sees."""
OVERLAY = Path("/etc/netns") / CLIENT


def run(*command: str) -> None:
    """Run a command, raise with its own words when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")


def inside(namespace: str, *command: str) -> list[str]:
    """Return the command line that runs a command in a namespace (with the overlay of /etc for the workstation)."""
    return ["ip", "netns", "exec", namespace, *command]


def remove() -> None:
    """Delete namespaces and overlay of this or an earlier run. Safe to call at any time."""
    for namespace in (CLIENT, NET):
        listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
        for pid in listed.stdout.split():
            subprocess.run(["kill", "-KILL", pid], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)
    shutil.rmtree(OVERLAY, ignore_errors=True)
    with contextlib.suppress(OSError):
        OVERLAY.parent.rmdir()  # only when nobody else uses it


def create(plan: Plan) -> None:
    """Build both namespaces, the link between them and every server address."""
    remove()
    for namespace in (CLIENT, NET):
        run("ip", "netns", "add", namespace)
        for command in (("ip", "link", "set", "lo", "up"), ("sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0")):
            run(*inside(namespace, *command))
    # One segment per frame: offloaded 64 KiB frames exist on no wire, and a sensor drops or misreads them.
    single = ("gso_max_segs", "1")
    run(
        "ip",
        "link",
        "add",
        TAP,
        *single,
        "netns",
        NET,
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        *single,
        "netns",
        CLIENT,
    )
    for namespace, link in ((NET, TAP), (CLIENT, "eth0")):
        for setting in ("accept_dad", "router_solicitations"):
            run(*inside(namespace, "sysctl", "-qw", f"net.ipv6.conf.{link}.{setting}=0"))
        run(*inside(namespace, "ip", "link", "set", link, "up"))
    for address in (f"{plan.client.private}/24", f"{plan.client.private6}/64"):
        run(*inside(CLIENT, "ip", "addr", "add", address, "dev", "eth0"))
    _router(plan)
    run(*inside(CLIENT, "ip", "route", "add", "default", "via", plan.gateway))
    run(*inside(CLIENT, "ip", "-6", "route", "add", "default", "via", plan.gateway6))


def _router(plan: Plan) -> None:
    local = {plan.gateway, plan.resolver.private, *(s.private for s in plan.servers if s.role == "internal")}
    remote = {s.private for s in plan.servers} - local
    for address in sorted(local):
        run(*inside(NET, "ip", "addr", "add", f"{address}/24", "dev", TAP))
    run(*inside(NET, "ip", "-6", "addr", "add", f"{plan.gateway6}/64", "dev", TAP))
    for address in sorted(remote):
        run(*inside(NET, "ip", "addr", "add", f"{address}/32", "dev", "lo"))
    for address6 in sorted({s.private6 for s in plan.servers if s.private6}):
        run(*inside(NET, "ip", "-6", "addr", "add", f"{address6}/128", "dev", "lo"))


def overlay(plan: Plan, authority: Path, home_uid: int) -> None:
    """Write the workstation's own /etc: resolver, user, and a trust store that knows the recording's authority.

    ``ip netns exec`` binds each entry of /etc/netns/NAME over its namesake; nothing outside the namespace changes.
    """
    OVERLAY.mkdir(parents=True, exist_ok=True)
    (OVERLAY / "resolv.conf").write_text(f"nameserver {plan.resolver.private}\n")
    (OVERLAY / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {plan.client.fqdn} {plan.client.host.lower()}\n")
    (OVERLAY / "hostname").write_text(f"{plan.client.host.lower()}\n")
    (OVERLAY / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    user, home = plan.client.user, f"/home/{plan.client.user}"
    for name, line in (
        ("passwd", f"{user}:x:{home_uid}:{home_uid}:Analyst:{home}:/bin/bash\n"),
        ("group", f"{user}:x:{home_uid}:\n"),
    ):
        (OVERLAY / name).write_text((Path("/etc") / name).read_text() + line)
    trust = OVERLAY / "ssl"
    shutil.copytree("/etc/ssl", trust, symlinks=True, ignore=shutil.ignore_patterns("private"))
    bundle = trust / "certs" / "ca-certificates.crt"
    bundle.write_text(bundle.read_text() + authority.read_text())
    (trust / "certs" / "recorder.pem").write_text(authority.read_text())
    run("openssl", "rehash", str(trust / "certs"))
    store = trust / "certs" / "java" / "cacerts"
    if store.exists():
        run(
            "keytool",
            "-importcert",
            "-noprompt",
            "-trustcacerts",
            "-alias",
            "recorder",
            "-file",
            str(authority),
            "-keystore",
            str(store),
            "-storepass",
            "changeit",
        )
