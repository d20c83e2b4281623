"""Prices and budgets in config.yaml."""

from __future__ import annotations

import pytest

from daemon.config.nodes import Node, Wrong, read_nodes
from daemon.config.spending import currency, date, read_budgets, read_prices
from daemon.spending import Budget, Price


def node(text: str) -> Node:
    """TEXT as the file's reader sees it."""
    found = read_nodes(text)
    assert found is not None
    return found


def test_prices() -> None:
    """Models, prices for a million tokens, and the day from which they hold."""
    text = (
        '[{model: "gpt-4o-mini*", input: 0.15, output: 0.60, cached_input: 0.075, since: 2026-01-01},'
        ' {model: [a, b], input: 3, output: 15, cache_write: 3.75, host: "*.example.com"}]'
    )
    assert read_prices(node(text)) == (
        Price(("gpt-4o-mini*",), 0.15, 0.60, 0.075, since="2026-01-01"),
        Price(("a", "b"), 3.0, 15.0, cache_write=3.75, host="*.example.com"),
    )
    assert read_prices(node("[]")) == read_prices(node("~")) == ()


def test_budgets() -> None:
    """Tokens, money or calls, for everything or for a part."""
    text = '[{per: day, tokens: 500_000}, {per: month, cost: 20, model: "gpt*", then: hold, warn_at: 0.5}]'
    assert read_budgets(node(text)) == (
        Budget("day", "tokens", 500_000),
        Budget("month", "cost", 20, models=("gpt*",), then="hold", warn_at=0.5),
    )
    assert read_budgets(node("[]")) == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{per: day, tokens: 5}", "budgets is a list"),
        ("[5]", "a budget is a group"),
        ("[{per: day, token: 5}]", "Did you mean 'tokens'"),
        ("[{per: day}]", "counts one of"),
        ("[{per: day, tokens: 5, cost: 1}]", "counts one of"),
        ("[{tokens: 5}]", "Add `per`"),
        ("[{per: year, tokens: 5}]", "none of day"),
        ("[{per: day, tokens: 0}]", "not above 0"),
        ("[{per: day, tokens: 5, then: wait}]", "refuse"),
    ],
)
def test_wrong_budgets(text: str, what: str) -> None:
    """Each mistake is named, with what to write."""
    with pytest.raises(Wrong, match=what):
        read_budgets(node(text))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[{model: a, input: 1}]", "'output'"),
        ("[{input: 1, output: 1}]", "'model'"),
        ("[{model: a, input: -1, output: 1}]", "at least 0"),
        ("[{model: a, input: 1, output: 1, since: 1.1.2026}]", "Write it as 2026-11-28"),
        ("[{model: a, inputs: 1, output: 1}]", "Did you mean 'input'"),
    ],
)
def test_wrong_prices(text: str, what: str) -> None:
    """Each mistake is named, with what to write."""
    with pytest.raises(Wrong, match=what):
        read_prices(node(text))


def test_words() -> None:
    """A currency has three capital letters, a day its three numbers."""
    assert currency(node("EUR")) == "EUR"
    assert date(node("2026-02-28")) == "2026-02-28"
    with pytest.raises(Wrong, match="three letters"):
        currency(node("$"))
