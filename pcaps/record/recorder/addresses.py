"""The address plan (`addresses.yaml`), typed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore]

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Server:
    """One name and where it lives. Two servers may share an address."""

    name: str
    private: str
    role: str
    public: str | None = None
    private6: str | None = None
    public6: str | None = None
    ports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Client:
    """The workstation."""

    host: str
    domain: str
    user: str
    private: str
    private6: str
    public6: str

    @property
    def fqdn(self) -> str:
        """The name EDR products record, lower case."""
        return f"{self.host}.{self.domain}".lower()


@dataclass(frozen=True)
class Plan:
    """Everything `addresses.yaml` says."""

    client: Client
    gateway: str
    gateway6: str
    resolver: Server
    servers: tuple[Server, ...]
    mapping: dict[str, str]
    """Private to public address, IPv4 and IPv6; what is absent stays as it is."""

    def map(self, address: str) -> str:
        """Return the address as the shipped capture shows it."""
        return self.mapping.get(str(ipaddress.ip_address(address)), address)


def load(path: Path = HERE / "addresses.yaml") -> Plan:
    """Read the plan; raises ValueError when a public address is not globally routable."""
    raw: dict[str, Any] = yaml.safe_load(path.read_text())
    servers = tuple(_server(entry) for entry in raw["servers"])
    client, gateway, resolver = raw["client"], raw["gateway"], raw["resolver"]
    mapping = {client["private6"]: client["public6"], gateway["private6"]: gateway["public6"]}
    pairs = [
        pair for server in servers for pair in ((server.private, server.public), (server.private6, server.public6))
    ]
    mapping |= {private: public for private, public in pairs if private and public}
    for public in mapping.values():
        if not ipaddress.ip_address(public).is_global:
            raise ValueError(f"{path}: {public} is not globally routable")
    return Plan(
        client=Client(**{key: client[key] for key in ("host", "domain", "user", "private", "private6", "public6")}),
        gateway=gateway["private"],
        gateway6=gateway["private6"],
        resolver=_server({**resolver, "ports": ["53"]}),
        servers=servers,
        mapping={str(ipaddress.ip_address(key)): str(ipaddress.ip_address(value)) for key, value in mapping.items()},
    )


def _server(entry: dict[str, Any]) -> Server:
    return Server(**{**entry, "ports": tuple(str(port) for port in entry.get("ports", ()))})
