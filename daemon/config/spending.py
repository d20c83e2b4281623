"""Prices, and budgets of the person's own: `prices:` and `budgets:` in config.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from daemon.config.nodes import Node, Wrong, each
from daemon.config.values import Reader, choice, entries, items, number, patterns, scalar, text
from daemon.phrases import phrase
from daemon.spending import MEASURES, SPANS, Budget, Price

_MONEY: Final = number(0, 1e9)
_BUDGET_EXAMPLE: Final = "{per: day, tokens: 500000}"
_PRICE_EXAMPLE: Final = '{model: "gpt-4o-mini*", input: 0.15, output: 0.60, since: 2026-01-01}'


def currency(node: Node) -> str:
    """`USD`, `EUR`, `KRW`: three capital letters."""
    value = text(node)
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise Wrong(node.line, phrase("spending.currency", value=value))
    return value


def date(node: Node) -> str:
    """`2026-11-28`, as it is."""
    value = scalar(node)
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", value):
        raise Wrong(node.line, phrase("spending.date", value=value))
    return value


def read_prices(node: Node) -> tuple[Price, ...]:
    """A list such as `[{model: "gpt-4o-mini*", input: 0.15, output: 0.60, since: 2026-01-01}]`, per million tokens."""
    return tuple(each(partial(_price, item) for item in items(node, "prices", _PRICE_EXAMPLE)))


def _price(node: Node) -> Price:
    found = entries(node, _PRICE, _PRICE_EXAMPLE, group="spending.price", word="spending.price_word")
    for needed in ("model", "input", "output"):
        if needed not in found:
            raise Wrong(node.line, phrase("spending.needed", word=needed, example=_PRICE_EXAMPLE))
    return Price(models=found.pop("model"), **found)


def read_budgets(node: Node) -> tuple[Budget, ...]:
    """A list such as `[{per: day, tokens: 500000}, {per: month, cost: 20, then: hold}]`."""
    return tuple(each(partial(_budget, item) for item in items(node, "budgets", _BUDGET_EXAMPLE)))


def _budget(node: Node) -> Budget:
    found = entries(node, _BUDGET, _BUDGET_EXAMPLE, group="spending.budget", word="spending.budget_word")
    counted = [measure for measure in MEASURES if measure in found]
    if len(counted) != 1:
        raise Wrong(node.line, phrase("spending.counts", known=", ".join(MEASURES), example=_BUDGET_EXAMPLE))
    if "per" not in found:
        raise Wrong(node.line, phrase("spending.no_per", example=_BUDGET_EXAMPLE))
    return Budget(measure=counted[0], amount=found.pop(counted[0]), models=found.pop("model", ()), **found)


_PRICE: Final[Mapping[str, Reader[Any]]] = {
    "model": patterns, "input": _MONEY, "output": _MONEY, "cached_input": _MONEY, "cache_write": _MONEY,
    "host": text, "since": date,
}  # fmt: skip
_BUDGET: Final[Mapping[str, Reader[Any]]] = {
    "per": choice(*SPANS), "tokens": number(0, 1e15, above=True), "cost": number(0, 1e9, above=True),
    "calls": number(0, 1e12, above=True), "model": patterns, "client": text, "host": text,
    "then": choice("refuse", "hold"), "warn_at": number(0, 1, above=True),
}  # fmt: skip
