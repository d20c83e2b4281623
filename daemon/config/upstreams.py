"""The user's own upstreams and their limits: `upstreams:` in config.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from daemon.config.nodes import Node, Wrong, each
from daemon.config.urls import host, host_of, is_loopback, origin_url
from daemon.config.values import (
    boolean,
    entry,
    environment_variable,
    nearest,
    number,
    patterns,
    positive_duration,
    text,
)
from daemon.config.ways import crossed, read_endpoints, read_keys
from daemon.model import DIMENSIONS, Dimension, Limit, Way
from daemon.phrases import phrase

PERIOD_S: Final[Mapping[str, float]] = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
    "month": 30 * 86400.0,
}
"""Nominal seconds. A month's counter goes by the calendar; its word is in `Limit.period`."""
SCALED: Final = ("second", "minute", "hour")
"""Periods that `minute:` scales; day and month are calendar time."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """One entry. None: as the provider has it."""

    host: str
    where: str
    """`FILE:LINE`, for messages."""
    url: str | None = None
    provider: str | None = None
    limits: tuple[Limit, ...] | None = None
    minute_s: float = 60.0
    share: float = 1.0
    key_variable: str | None = None
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    include_usage: bool = False
    resend_after_reset: bool = False
    insecure: bool = False
    ways: tuple[Way, ...] = ()


def read_upstreams(node: Node) -> tuple[Upstream, ...]:
    """A list of entries, or a group with the hosts as names."""
    if node.is_null:
        return ()
    if node.kind == "list":
        entries = each(partial(_entry, item, None, item.line) for item in node.items)
    elif node.kind == "mapping":
        _look_for_dashes(node)
        entries = each(partial(_entry, item, name, node.key_lines[name]) for name, item in node.entries.items())
    else:
        raise Wrong(node.line, phrase("config.upstreams"))
    seen: dict[str, str] = {}
    for one in entries:
        if one.host in seen:
            raise Wrong(int(one.where), phrase("config.host_twice", host=one.host, line=seen[one.host]))
        seen[one.host] = one.where
    return tuple(entries)


def _look_for_dashes(node: Node) -> None:
    """Raise Wrong for one entry without its dash: its words would be taken for hosts."""
    for word, value in node.entries.items():
        if word in _READERS and (word != "host" or value.kind == "scalar"):
            example = value.text if value.kind == "scalar" and value.text else "..."
            raise Wrong(node.key_lines[word], phrase("config.dash", word=word, value=example))


def _entry(node: Node, name: str | None, line: int) -> Upstream:
    """One upstream; NAME: its host, when the entries stand under their hosts."""
    if name is not None and node.is_null:
        node = Node(line, "mapping")
    if node.kind != "mapping":
        raise Wrong(line, phrase("config.upstream", sort=node.sort))
    read = each(partial(entry, node, key, _READERS, "config.upstream_word") for key in node.entries)
    found: dict[str, Any] = dict(read)
    if name is not None:
        found.setdefault("host", host(Node(line, "scalar", name)))
    if "host" not in found:
        if "url" not in found:
            raise Wrong(line, phrase("config.no_host"))
        found["host"] = host_of(str(found["url"]))
    for key, field in (("minute", "minute_s"),):
        if key in found:
            found[field] = found.pop(key)
    _check_url(found, found.get("url"), node, "url")
    keys: tuple[Way, ...] = found.pop("keys", ())
    endpoints: tuple[Way, ...] = found.pop("endpoints", ())
    for way in endpoints:
        _check_url(found, way.url, node, "endpoints")
    if endpoints:
        found.setdefault("url", endpoints[0].url)
    found["ways"] = crossed(keys, endpoints)
    return Upstream(where=str(line), **found)


def _check_url(found: Mapping[str, object], url: object, node: Node, word: str) -> None:
    """Plain http to another machine shows the key to everybody on the way. The URL stands under WORD."""
    if not isinstance(url, str) or not url.startswith("http:") or found.get("insecure"):
        return
    if not is_loopback(url.replace("{host}", str(found["host"]).replace("*", "1"))):
        raise Wrong(node.entries[word].line, phrase("config.insecure", url=url))


def read_limits(node: Node) -> tuple[Limit, ...]:
    """`[{requests: 60, per: minute}, {tokens: 40000, per: minute, model: "gpt-4o*"}, {concurrency: 8}]`"""
    if node.is_null:
        return ()
    if node.kind != "list":
        raise Wrong(node.line, phrase("config.limits"))
    limits = [_limit(item) for item in node.items]
    seen: set[tuple[object, ...]] = set()
    for limit, item in zip(limits, node.items, strict=True):
        key = (limit.dimension, limit.period or limit.period_s, limit.models)
        if key in seen:
            raise Wrong(item.line, phrase("config.two_limits", what=limit.dimension))
        seen.add(key)
    return tuple(limits)


def _limit(node: Node) -> Limit:
    if node.kind != "mapping":
        raise Wrong(node.line, phrase("config.limit", sort=node.sort))
    others = ("per", "model", "models")
    for key in node.entries:
        if key not in others and key not in DIMENSIONS:
            near, known = nearest(key, (*DIMENSIONS, *others)), ", ".join(DIMENSIONS)
            raise Wrong(node.line, phrase("config.limit_word", word=key, near=near, known=known))
    counted = [key for key in node.entries if key in DIMENSIONS]
    if not counted:
        raise Wrong(node.line, phrase("config.nothing_counted"))
    if len(counted) > 1:
        raise Wrong(node.line, phrase("config.counted_together", words=", ".join(counted)))
    dimension: Dimension = next(known for known in DIMENSIONS if known == counted[0])
    amount = number(0, 1e15, above=True)(node.entries[dimension])
    models = tuple(p for key in ("model", "models") if key in node.entries for p in patterns(node.entries[key]))
    per = node.entries.get("per")
    if dimension == "concurrency":
        if per is not None:
            raise Wrong(per.line, phrase("config.concurrency_per"))
        return Limit(dimension, amount, models=models)
    if per is None:
        raise Wrong(node.line, phrase("config.no_per"))
    period_s, word = _period(per)
    return Limit(dimension, amount, period_s, word, models)


def _period(node: Node) -> tuple[float, str | None]:
    """The seconds of a period and, if it was one, its word."""
    value = text(node)
    if value in PERIOD_S:
        return PERIOD_S[value], value
    if not value[:1].isdigit():
        near, known = nearest(value, PERIOD_S), ", ".join(PERIOD_S)
        raise Wrong(node.line, phrase("config.period", value=value, near=near, known=known))
    return positive_duration(node), None


def scaled(limits: tuple[Limit, ...], minute_s: float) -> tuple[Limit, ...]:
    """LIMITS in an origin whose minute lasts MINUTE_S: second, minute and hour in its time."""
    return tuple(
        replace(limit, period_s=limit.period_s * minute_s / 60.0)
        if limit.period in SCALED and limit.period_s is not None
        else limit
        for limit in limits
    )


def _groups(node: Node) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """`{NAME: [patterns]}`: models that share a limit."""
    if node.kind != "mapping":
        raise Wrong(node.line, phrase("config.groups"))
    return tuple((name, patterns(models)) for name, models in node.entries.items())


_READERS: Final = {
    "host": host,
    "url": origin_url,
    "provider": text,
    "limits": read_limits,
    "minute": positive_duration,
    "share": number(0, 1, above=True),
    "key_variable": environment_variable,
    "keys": read_keys,
    "endpoints": read_endpoints,
    "groups": _groups,
    "include_usage": boolean,
    "resend_after_reset": boolean,
    "insecure": boolean,
}
"""Every setting of an upstream."""
