"""Where calls go when they cannot be answered: `fallback:` in config.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from daemon.config.nodes import Node, Wrong, each
from daemon.config.urls import host
from daemon.config.values import Reader, entries, items, patterns, positive_duration, text
from daemon.fallback import Fallback, Place
from daemon.phrases import phrase

EXAMPLE: Final = '{from: {model: "gpt-4o*"}, on: [quota, capacity], to: [{host: "localhost:11434", model: llama3.1}]}'
_PLACE: Final = "{host: api.deepseek.com, model: deepseek-chat}"


def read_fallback(node: Node) -> tuple[Fallback, ...]:
    """A list of entries such as EXAMPLE; the first one that fits a call and its failure counts."""
    return tuple(each(partial(_entry, item) for item in items(node, "fallback", EXAMPLE)))


def _entry(node: Node) -> Fallback:
    found = entries(node, _ENTRY, EXAMPLE)
    if not found.get("to"):
        raise Wrong(node.line, phrase("fallback.no_to", word="`to`", example=EXAMPLE))
    if "on" not in found and "wait" not in found:
        raise Wrong(node.line, phrase("fallback.no_on", example=EXAMPLE))
    origin = found.get("from", {})
    return Fallback(
        to=found["to"],
        hosts=origin.get("host", ("*",)),
        models=origin.get("model", ("*",)),
        on=found.get("on", ()),
        wait_s=found.get("wait"),
        on_at=_lines(node, "on"),
        to_at=_lines(node, "to"),
    )


def _lines(node: Node, word: str) -> tuple[str, ...]:
    """Where each value of WORD stands."""
    below = node.entries.get(word)
    return tuple(str(one.line) for one in (below.items if below.kind == "list" else [below])) if below else ()


def _from(node: Node) -> dict[str, Any]:
    return entries(node, {"host": patterns, "model": patterns}, '{host: api.openai.com, model: "gpt-4o*"}')


def _to(node: Node) -> tuple[Place, ...]:
    return tuple(_place(item) for item in (node.items if node.kind == "list" else [node]))


def _place(node: Node) -> Place:
    found = entries(node, {"host": host, "model": text}, _PLACE)
    if "model" not in found:
        raise Wrong(node.line, phrase("fallback.no_model", example=_PLACE))
    return Place(**found)


_ENTRY: Final[Mapping[str, Reader[Any]]] = {"from": _from, "on": patterns, "wait": positive_duration, "to": _to}
