"""Where the calls for a host go: the user's upstreams over the providers that Sluice knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, Protocol, TypeVar

from daemon.config.settings import Config
from daemon.config.upstreams import Upstream, scaled
from daemon.config.urls import is_loopback
from daemon.config.values import nearest
from daemon.errors import ConfigError, UnknownHost
from daemon.model import Limit, Origin
from daemon.phrases import phrase

T = TypeVar("T")
_HOST: Final = re.compile(r"[a-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9a-f:.]{2,45}\](:\d{1,5})?")


class KnownHost(Protocol):
    """What is asked of a provider's host."""

    @property
    def pattern(self) -> str: ...
    @property
    def url(self) -> str: ...


class KnownProvider(Protocol):
    """What is asked of a provider from data/providers.yaml."""

    @property
    def name(self) -> str: ...
    @property
    def hosts(self) -> Sequence[KnownHost]: ...
    @property
    def limits(self) -> tuple[Limit, ...]: ...


class Origins:
    """Finds the origin of a host. Callable: `origins(host)` is an Origin or None."""

    def __init__(self, upstreams: Sequence[Upstream], providers: Mapping[str, KnownProvider]) -> None:
        self._providers = providers
        self._mine = _sorted([(upstream.host, upstream) for upstream in upstreams])
        self._known = _sorted([(host.pattern, (host, p)) for p in providers.values() for host in p.hosts])
        self._check(upstreams)
        self._found = lru_cache(maxsize=512)(self._find)

    def __call__(self, host: str) -> Origin | None:
        """The origin of HOST as it stands in a Host header, or None when nobody allowed it."""
        return self._found(host)

    def get(self, host: str) -> Origin:
        """The same, but raises UnknownHost with the lines of configuration that would allow it."""
        origin = self(host)
        if origin is None:
            raise UnknownHost(
                phrase("refused.unknown_host_told", host=host),
                host=host,
            )
        return origin

    def hosts(self) -> tuple[str, ...]:
        """All hosts and patterns, the user's first."""
        return tuple(dict.fromkeys([pattern for pattern, _ in (*self._mine, *self._known)]))

    def _find(self, said: str) -> Origin | None:
        host = said.lower().removesuffix(":443")
        if not _HOST.fullmatch(host):
            return None
        mine = next((upstream for pattern, upstream in self._mine if _matches(pattern, host)), None)
        known = next((found for pattern, found in self._known if _matches(pattern, host)), None)
        if mine is None:
            return _origin(host, known[0].url, known[1], None) if known else None
        if mine.url is None and known is None:
            return _origin(host, "https://{host}", None, mine)
        provider = self._providers.get(mine.provider) if mine.provider else (known[1] if known else None)
        return _origin(host, mine.url or (known[0].url if known else "https://{host}"), provider, mine)

    def _check(self, upstreams: Sequence[Upstream]) -> None:
        for upstream in upstreams:
            if upstream.provider is not None and upstream.provider not in self._providers:
                near = nearest(upstream.provider, self._providers)
                raise ConfigError(
                    phrase("config.provider", where=upstream.where, provider=upstream.provider, near=near)
                )
            if "{" in (upstream.url or "").replace("{host}", ""):
                raise ConfigError(phrase("config.braces", where=upstream.where))


def origins(config: Config, providers: Mapping[str, KnownProvider]) -> Origins:
    """The look-up for CONFIG; PROVIDERS as `daemon.providers.load_providers` gives them. Raises ConfigError."""
    return Origins(config.upstreams, providers)


def _origin(host: str, url: str, provider: KnownProvider | None, mine: Upstream | None) -> Origin:
    url = url.replace("{host}", host)
    name = provider.name if provider else ("local" if is_loopback(url) else "openai-compatible")
    limits = provider.limits if provider else ()
    if mine is None:
        return Origin(host, url, name, limits)
    if mine.limits is not None:
        limits = mine.limits
    return Origin(
        host=host,
        url=url,
        provider=mine.provider or name,
        limits=scaled(limits, mine.minute_s),
        minute_s=mine.minute_s,
        share=mine.share,
        key_variable=mine.key_variable,
        groups=mine.groups,
        include_usage=mine.include_usage,
        resend_after_reset=mine.resend_after_reset,
        ways=tuple(replace(way, url=way.url and way.url.replace("{host}", host)) for way in mine.ways),
    )


def _sorted(entries: list[tuple[str, T]]) -> list[tuple[str, T]]:
    """Exact hosts before patterns, longer patterns before shorter ones."""
    return sorted(entries, key=lambda entry: ("*" in entry[0], -len(entry[0]) if "*" in entry[0] else 0))


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern.lower()).replace(r"\*", "[a-z0-9_-]+"))


def _matches(pattern: str, host: str) -> bool:
    """A `*` is one label or a port, never a dot: so nobody can put a name of his own before a known ending."""
    return _pattern(pattern).fullmatch(host) is not None
