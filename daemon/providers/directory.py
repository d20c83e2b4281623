"""Who is who: data/providers.yaml as Providers, found by name or by host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Final

from daemon import datafile
from daemon.model import Limit
from daemon.providers.batching import BatchLimits
from daemon.providers.dialect import ChatPath
from daemon.providers.provider import Account, Host, Provider
from daemon.slips import nearest

_HOST: Final = re.compile(r"[a-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9a-f:.]{2,45}\](:\d{1,5})?")
_PERIOD_S: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}


@cache
def load_providers() -> dict[str, Provider]:
    """All providers by name, from the package's data."""
    return {name: _provider(name, entry) for name, entry in datafile.read("providers").items()}


def provider_for(name_or_host: str) -> Provider | None:
    """The provider of that name, or the one that answers on that host (`api.openai.com`, `localhost:11434`)."""
    providers = load_providers()
    return providers.get(name_or_host) or _by_host(name_or_host)


@lru_cache(maxsize=256)
def _by_host(host: str) -> Provider | None:
    low = host.lower().removesuffix(":443")
    if not _HOST.fullmatch(low):
        return None
    providers = load_providers()
    for exact in (True, False):
        for provider in providers.values():
            for known in provider.hosts:
                if ("*" not in known.pattern) == exact and host_matches(known.pattern, low):
                    return provider
    return None


def near_host(host: str) -> str | None:
    """The known host for which HOST may be a slip: `api.openai.com` for `api.opnai.com`."""
    known = [one.pattern for provider in load_providers().values() for one in provider.hosts if "*" not in one.pattern]
    return nearest(host[:100].lower(), known, like=0.85)


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern.lower()).replace(r"\*", "[a-z0-9_-]+"))


def host_matches(pattern: str, host: str) -> bool:
    """Whether HOST is what PATTERN means. A `*` is one label or a port, never a dot: with dots, anybody's bucket
    `bedrock-runtime.x.s3.amazonaws.com` would get the key."""
    return _pattern(pattern).fullmatch(host.lower()) is not None


def _provider(name: str, entry: Mapping[str, Any]) -> Provider:
    chat = entry.get("chat")
    key = entry.get("key_header")
    known = {
        field: entry[field]
        for field in ("dialect", "key_variable", "local", "header_unit_s", "ignore_limits", "models")
        if field in entry
    }
    return Provider(
        name=name,
        title=entry["title"],
        hosts=tuple(_host(host, bool(entry.get("local"))) for host in entry.get("hosts", ())),
        limits=tuple(_limit(limit) for limit in entry.get("limits", ())),
        chat=ChatPath(**({"path": chat} if isinstance(chat, str) else chat)) if chat else None,
        account=Account(**entry["account"]) if "account" in entry else None,
        key=(key[0], key[1]) if key else None,
        batch={kind: BatchLimits(**limits) for kind, limits in entry.get("batch", {}).items()},
        periods={what: _PERIOD_S[per] for what, per in entry.get("periods", {}).items()},
        **known,
    )


def _host(entry: str | Mapping[str, str], local: bool) -> Host:
    scheme = "http" if local else "https"
    if isinstance(entry, str):
        return Host(entry, f"{scheme}://" + ("{host}" if "*" in entry else entry))
    return Host(entry["host"], entry["url"])


def _limit(entry: Mapping[str, Any]) -> Limit:
    per = entry["per"]
    dimension = next(key for key in entry if key not in ("per", "models"))
    return Limit(dimension, float(entry[dimension]), _PERIOD_S[per], per, tuple(entry.get("models", ())))  # type: ignore[arg-type]  # held by tests/providers/test_directory.py
