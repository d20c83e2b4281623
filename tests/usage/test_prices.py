"""From tokens to money."""

from __future__ import annotations

import pytest

from daemon.spending import Price, Spent
from daemon.usage.prices import PriceList, cost


def spent(**changes: object) -> Spent:
    """A million tokens in, half a million out."""
    whole = {"day": "2026-11-28", "host": "h", "key": "k", "model": "gpt-4o-mini", "client": "c", "input": 1_000_000}
    return Spent(**{**whole, "output": 500_000, **changes})  # type: ignore[arg-type]


def test_cost() -> None:
    """Input, output and the two kinds of cache each have their price; without one of their own they cost as input."""
    plain = Price(("gpt*",), 2.0, 8.0)
    assert cost(plain, spent()) == pytest.approx(2.0 + 4.0)
    assert cost(plain, spent(cached_input=400_000)) == pytest.approx(6.0)
    cached = Price(("gpt*",), 2.0, 8.0, cached_input=0.5, cache_write=2.5)
    assert cost(cached, spent(cached_input=400_000, cache_write=200_000)) == pytest.approx(0.8 + 0.2 + 0.5 + 4.0)


def test_the_price_of_the_day() -> None:
    """An old price stays right for old calls; a newer one holds from its day on."""
    prices = PriceList([Price(("gpt*",), 1.0, 1.0, since="2026-06-01"), Price(("gpt*",), 3.0, 3.0)])
    assert prices.cost(spent(day="2026-05-31")) == pytest.approx(4.5)
    assert prices.cost(spent(day="2026-06-01")) == pytest.approx(1.5)
    assert prices.newest() == "2026-06-01"


def test_no_price_is_not_free() -> None:
    """Tokens of a model or host without a price have no cost; a call without tokens costs nothing."""
    prices = PriceList([Price(("claude*",), 1.0, 1.0, host="*.example.com")])
    assert prices.cost(spent()) is None
    assert prices.cost(spent(model="claude-x")) is None
    assert prices.cost(spent(model="claude-x", host="a.example.com")) == pytest.approx(1.5)
    assert prices.cost(spent(input=0, output=0)) == 0.0
    assert not PriceList()
