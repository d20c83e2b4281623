"""Every setting, as frozen values. Their defaults and their descriptions are in data/defaults.yaml.

A field's metadata say how its value is read and under which name it stands in the file: `drain_s` is `drain: 20s`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from daemon.config.fallback import read_fallback
from daemon.config.nodes import Node
from daemon.config.spending import currency, read_budgets, read_prices
from daemon.config.upstreams import Upstream, read_upstreams
from daemon.config.urls import address, host, proxy_url
from daemon.config.values import (
    Reader,
    boolean,
    choice,
    duration,
    language,
    number,
    path,
    positive_duration,
    size,
    text,
    unless,
    which,
    whole,
)
from daemon.fallback import Fallback
from daemon.spending import Budget, Price


def setting(read: Reader[Any], name: str | None = None) -> dict[str, Any]:
    """A field's metadata: READ reads it; NAME where the file's word is not the field's."""
    return {"read": read, "name": name}


def auto_or_path(node: Node) -> Path | Literal["auto"]:
    """`auto`, or an absolute path."""
    return "auto" if text(node) == "auto" else path(node)


def hosts(node: Node) -> tuple[str, ...]:
    """A list of hosts, as a Host header names them; it may be empty."""
    return tuple(host(item) for item in (node.items if node.kind == "list" else [node]))


@dataclass(frozen=True, slots=True)
class Log:
    """What is written to stderr and to the log file."""

    level: Literal["debug", "info", "warning", "error"] = field(
        metadata=setting(choice("debug", "info", "warning", "error"))
    )
    style: Literal["text", "json"] = field(metadata=setting(choice("text", "json"), "format"))
    file: Path | Literal["auto"] | None = field(metadata=setting(unless("none", auto_or_path)))
    bodies: bool = field(metadata=setting(boolean))
    max_bytes: int = field(metadata=setting(size))
    keep: int = field(metadata=setting(whole(0, 100)))


@dataclass(frozen=True, slots=True)
class Queue:
    """Calls that wait."""

    max_waiting: int = field(metadata=setting(whole(0, 1_000_000)))
    max_wait_s: float = field(metadata=setting(positive_duration, "max_wait"))
    max_wait_interactive_s: float = field(metadata=setting(positive_duration, "max_wait_interactive"))


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long is waited for the other side."""

    connect_s: float = field(metadata=setting(positive_duration, "connect"))
    first_byte_s: float = field(metadata=setting(positive_duration, "first_byte"))
    idle_s: float = field(metadata=setting(positive_duration, "idle"))
    body_s: float = field(metadata=setting(positive_duration, "body"))
    client_s: float = field(metadata=setting(positive_duration, "client"))


@dataclass(frozen=True, slots=True)
class Retry:
    """Sending again."""

    tries: int = field(metadata=setting(whole(1, 20)))
    rate_tries: int = field(metadata=setting(whole(1, 100)))
    base_s: float = field(metadata=setting(positive_duration, "base"))
    cap_s: float = field(metadata=setting(positive_duration, "cap"))
    budget: float = field(metadata=setting(number(0, 1)))


@dataclass(frozen=True, slots=True)
class Journal:
    """What is kept of calls."""

    bodies: Literal["failed", "all", "none"] = field(metadata=setting(choice("failed", "all", "none")))
    max_age_s: float = field(metadata=setting(positive_duration, "max_age"))
    max_bytes: int = field(metadata=setting(size))
    max_body: int = field(metadata=setting(size))


@dataclass(frozen=True, slots=True)
class Warnings:
    """When to tell the person what will soon be in the way."""

    limit_at: float = field(metadata=setting(number(0, 1, above=True)))
    queue_s: float = field(metadata=setting(positive_duration, "queue"))
    desktop: bool = field(metadata=setting(boolean))


@dataclass(frozen=True, slots=True)
class Batch:
    """Which calls that wait together go as one request."""

    embeddings: bool = field(metadata=setting(boolean))
    completions: bool = field(metadata=setting(boolean))
    max_items: int = field(metadata=setting(whole(1, 100_000)))
    max_tokens: int = field(metadata=setting(whole(1, 100_000_000)))


@dataclass(frozen=True, slots=True)
class Cache:
    """Answers that are kept and given again."""

    enabled: bool = field(metadata=setting(boolean))
    max_age_s: float = field(metadata=setting(positive_duration, "max_age"))
    max_bytes: int = field(metadata=setting(size))
    max_body: int = field(metadata=setting(size))


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    language: str = field(metadata=setting(language))
    explain: Literal["inline", "field", "off"] = field(metadata=setting(choice("inline", "field", "off")))
    socket: Path | None = field(metadata=setting(unless("auto", path)))
    """None: see `daemon.config.places`."""
    listen: tuple[str, int] | None = field(metadata=setting(unless("none", address)))
    """An IP address and a port."""
    listen_hosts: tuple[str, ...] = field(metadata=setting(hosts))
    listen_insecure: bool = field(metadata=setting(boolean))
    max_body: int = field(metadata=setting(size))
    max_connections: int = field(metadata=setting(whole(1, 100_000)))
    drain_s: float = field(metadata=setting(duration, "drain"))
    drain_replaced_s: float = field(metadata=setting(duration, "drain_replaced"))
    idle_exit_s: float | None = field(metadata=setting(unless("never", positive_duration), "idle_exit"))
    ca_file: Path | None = field(metadata=setting(unless("none", path)))
    proxy: str | None = field(metadata=setting(unless("none", proxy_url)))
    """A URL, `environment`, or None."""
    log: Log = field(metadata={"group": Log})
    queue: Queue = field(metadata={"group": Queue})
    timeouts: Timeouts = field(metadata={"group": Timeouts})
    retry: Retry = field(metadata={"group": Retry})
    coalesce: tuple[str, ...] = field(metadata=setting(which))
    """Shell patterns of models or hosts; `*` for all."""
    batch: Batch = field(metadata={"group": Batch})
    cache: Cache = field(metadata={"group": Cache})
    journal: Journal = field(metadata={"group": Journal})
    warnings: Warnings = field(metadata={"group": Warnings})
    currency: str = field(metadata=setting(currency))
    prices: tuple[Price, ...] = field(metadata=setting(read_prices))
    budgets: tuple[Budget, ...] = field(metadata=setting(read_budgets))
    fallback: tuple[Fallback, ...] = field(metadata=setting(read_fallback))
    upstreams: tuple[Upstream, ...] = field(metadata=setting(read_upstreams))
