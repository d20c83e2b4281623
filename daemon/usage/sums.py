"""The ledger added up for people: by day, model, client, host or key, with what it cost as far as prices are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from daemon.spending import Spent
from daemon.usage.prices import PriceList

GROUPS = ("day", "model", "client", "host", "key")
_COUNTS = ("calls", "failed", "input", "output", "cached_input", "cache_write", "estimated")


def summary(rows: Iterable[Spent], by: str, prices: PriceList) -> dict[str, Any]:
    """ROWS added up BY one of GROUPS: `rows` (days in order, else the largest first) and `total`, JSON-ready.

    `cost` is None where tokens have no price; `unpriced` names the models of which that is true.
    """
    groups: dict[str, list[Spent]] = {}
    everything = list(rows)
    for row in everything:
        groups.setdefault(getattr(row, by), []).append(row)
    sums = [{by: name, **_sum(members, prices)} for name, members in groups.items()]
    sums.sort(key=lambda one: one["day"] if by == "day" else (-one["tokens"], -one["calls"], one[by]))
    unpriced = sorted({row.model for row in everything if prices and prices.cost(row) is None})
    return {"by": by, "rows": sums, "total": _sum(everything, prices), "unpriced": unpriced}


def _sum(rows: list[Spent], prices: PriceList) -> dict[str, Any]:
    added = {name: sum(getattr(row, name) for row in rows) for name in _COUNTS}
    costs = [prices.cost(row) for row in rows] if prices else [None]
    whole = sum(cost for cost in costs if cost is not None)
    known = any(cost is not None for cost in costs)
    return {
        **added,
        "tokens": added["input"] + added["output"],
        "cost": round(whole, 6) if known else None,
        "cost_is_whole": all(cost is not None for cost in costs),
    }
