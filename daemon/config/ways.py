"""Several keys and endpoints that the person owns: `keys:` and `endpoints:` of an upstream."""

from __future__ import annotations

from typing import Final

from daemon.config.nodes import Node, Wrong
from daemon.config.urls import origin_url
from daemon.config.values import entries, environment_variable, items, text
from daemon.model import Way
from daemon.phrases import phrase

_KEY: Final = "{name: work, variable: OPENAI_API_KEY_WORK}"
_ENDPOINT: Final = "{url: https://relay.example.com/openai}"


def read_keys(node: Node) -> tuple[Way, ...]:
    """`[{name: work, variable: OPENAI_API_KEY_WORK}, {name: home, variable: OPENAI_API_KEY}]`"""
    words = {"name": text, "variable": environment_variable}
    found = [entries(item, words, _KEY, needed=("name", "variable")) for item in items(node, "keys", _KEY)]
    return _unlike([Way(name=one["name"], variable=one["variable"]) for one in found], node)


def read_endpoints(node: Node) -> tuple[Way, ...]:
    """`[{url: https://a.example.com}, {name: second, url: https://b.example.com, key_variable: B_KEY}]`"""
    words = {"name": text, "url": origin_url, "key_variable": environment_variable}
    found = [entries(item, words, _ENDPOINT, needed=("url",)) for item in items(node, "endpoints", _ENDPOINT)]
    ways = [Way(one.get("name") or place_of(one["url"]), one["url"], one.get("key_variable")) for one in found]
    return _unlike(ways, node)


def crossed(keys: tuple[Way, ...], endpoints: tuple[Way, ...]) -> tuple[Way, ...]:
    """Each endpoint with each key, but those that have a key of their own."""
    if not keys or not endpoints:
        return keys or endpoints
    return tuple(
        way if way.variable else Way(f"{key.name}@{way.name}", way.url, key.variable)
        for way in endpoints
        for key in (keys if not way.variable else keys[:1])
    )


def place_of(url: str) -> str:
    """A name for an endpoint that has none: its host and port."""
    return url.partition("://")[2].partition("/")[0]


def _unlike(ways: list[Way], node: Node) -> tuple[Way, ...]:
    """WAYS, if each has a name of its own. Raises Wrong."""
    names = [way.name for way in ways]
    for name in names:
        if names.count(name) > 1:
            raise Wrong(node.line, phrase("ways.twice", name=name))
    return tuple(ways)
