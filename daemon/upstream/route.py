"""The way to an origin: which host, by which proxy, and what a request line says there."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote, urlsplit

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and who we are to it."""

    host: str
    port: int
    tls: bool
    field: str = field(repr=False)
    """The line of a head that says who we are, or nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Calls with the same route share connections; `route_of` makes one for each way."""

    host: str
    port: int
    tls: bool
    proxy: Proxy | None = None

    @property
    def tunnel(self) -> bool:
        """The proxy passes bytes on without reading them."""
        return self.proxy is not None and self.tls


@lru_cache(maxsize=256)
def route_of(host: str, port: int, tls: bool, proxy: Proxy | None) -> Route:
    """The route there: it is looked for four times a call, by its identity and not by what it consists of."""
    return Route(host, port, tls, proxy)


@dataclass(frozen=True, slots=True)
class Place:
    """What is the same for all calls to an origin's URL."""

    route: Route
    prefix: str
    """Stands before a call's target in the request line."""
    host_line: str
    extra: str
    """Fields for the proxy that reads our request."""


@lru_cache(maxsize=256)
def place_of(url: str, proxy_url: str | None) -> Place:
    """The place of an origin. Raises ValueError for what is no URL."""
    parts = urlsplit(url)
    host, port, tls = _address(url)
    named = f"[{host}]" if ":" in host else host
    host_line = named if port == PORTS[parts.scheme] else f"{named}:{port}"
    proxy = _proxy(proxy_url) if proxy_url else None
    route = route_of(host, port, tls, proxy)
    if proxy is None or tls:
        return Place(route, parts.path, f"Host: {host_line}\r\n", "")
    return Place(route, f"http://{host_line}{parts.path}", f"Host: {host_line}\r\n", proxy.field)


def _address(url: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    if not host or parts.scheme not in PORTS:
        raise ValueError
    return host, parts.port or PORTS[parts.scheme], parts.scheme == "https"


def _proxy(url: str) -> Proxy:
    parts = urlsplit(url)
    host, port, tls = _address(url)
    line = ""
    if parts.username is not None:
        who = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        line = f"Proxy-Authorization: Basic {base64.b64encode(who).decode()}\r\n"
    return Proxy(host, port, tls, line)
