"""The ledger added up."""

from __future__ import annotations

import pytest

from daemon.spending import Price, Spent
from daemon.usage.prices import PriceList
from daemon.usage.sums import summary

ROWS = [
    Spent("2026-11-27", "h", "k", "small", "emacs", calls=2, failed=1, input=100, output=50),
    Spent("2026-11-28", "h", "k", "small", "notes", calls=1, input=10, output=5, cached_input=4, estimated=1),
    Spent("2026-11-28", "h", "k", "large", "emacs", calls=3, input=1000, output=500),
]


def test_by_model() -> None:
    """The largest first; counts are sums, and the total is of everything."""
    added = summary(ROWS, "model", PriceList())
    assert [(row["model"], row["calls"], row["tokens"]) for row in added["rows"]] == [
        ("large", 3, 1500),
        ("small", 3, 165),
    ]
    total = added["total"]
    assert (total["calls"], total["failed"], total["input"], total["output"]) == (6, 1, 1110, 555)
    assert (total["cached_input"], total["estimated"], total["cost"]) == (4, 1, None)


def test_by_day() -> None:
    """Days in order."""
    assert [row["day"] for row in summary(ROWS, "day", PriceList())["rows"]] == ["2026-11-27", "2026-11-28"]


def test_cost() -> None:
    """What has no price is named, and a sum of which a part is not known says so."""
    prices = PriceList([Price(("small",), 1e6, 0.0)])
    added = summary(ROWS, "client", prices)
    assert {row["client"]: (row["cost"], row["cost_is_whole"]) for row in added["rows"]} == {
        "emacs": (pytest.approx(100.0), False),
        "notes": (pytest.approx(10.0), True),
    }
    assert added["unpriced"] == ["large"]
    assert added["total"]["cost"] == pytest.approx(110.0)
