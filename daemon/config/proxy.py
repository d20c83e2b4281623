"""Which proxy a request goes through: the configuration's, or the environment's by its usual rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from daemon.config.settings import Config
from daemon.config.urls import is_loopback
from daemon.errors import ConfigError
from daemon.phrases import phrase


def proxy_lookup(config: Config, environ: Mapping[str, str]) -> Callable[[str], str | None]:
    """A function from an origin's URL to the proxy's URL, or None for a direct connection. Raises ConfigError for a
    proxy that cannot be used: calls must not go around it silently."""
    if config.proxy is None:
        return lambda url: None
    if config.proxy != "environment":
        fixed = config.proxy
        return lru_cache(maxsize=256)(lambda url: None if is_loopback(url) else fixed)
    by_scheme = {scheme: _checked(environ, scheme) for scheme in ("http", "https")}
    unproxied = _variable(environ, "no_proxy").split(",")

    @lru_cache(maxsize=256)  # the same few origins are asked for with every call
    def lookup(url: str) -> str | None:
        return None if is_loopback(url) or _excepted(url, unproxied) else by_scheme[urlsplit(url).scheme]

    return lookup


def _variable(environ: Mapping[str, str], name: str) -> str:
    """Lower case first, as curl does. HTTP_PROXY in capitals is left alone: a CGI client could have set it."""
    capitals = "" if name == "http_proxy" else environ.get(name.upper(), "")
    return environ.get(name) or capitals


def _checked(environ: Mapping[str, str], scheme: str) -> str | None:
    for name in (f"{scheme}_proxy", "all_proxy"):
        value = _variable(environ, name)
        if not value:
            continue
        value = value if "://" in value else f"http://{value}"
        kind = urlsplit(value).scheme
        if kind not in ("http", "https"):
            raise ConfigError(phrase("config.environment_proxy", name=name, kind=kind))
        return value
    return None


def _excepted(url: str, unproxied: list[str]) -> bool:
    """Whether no_proxy names the URL's host: itself, a domain that it is in, or `*`."""
    parts = urlsplit(url)
    name = (parts.hostname or "").lower()
    for entry in unproxied:
        entry = entry.strip().lower()
        if entry == "*":
            return True
        known, _, port = entry.partition(":")
        if port and port != str(parts.port or {"http": 80, "https": 443}.get(parts.scheme)):
            continue
        known = known.lstrip(".")
        if known and (name == known or name.endswith("." + known)):
            return True
    return False
