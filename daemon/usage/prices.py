"""From tokens to money, by the prices that the person wrote down. Nothing is built in: prices change."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from daemon.spending import Price, Spent

MILLION = 1e6


class PriceList:
    """The prices of the configuration. Of several that fit, the one with the newest day holds, then the last one."""

    def __init__(self, prices: Iterable[Price] = ()) -> None:
        self._prices = tuple(sorted(prices, key=lambda price: price.since))

    def __bool__(self) -> bool:
        return bool(self._prices)

    def price(self, host: str, model: str, day: str) -> Price | None:
        """What holds for MODEL at HOST on DAY; None when nobody wrote it down."""
        fits = None
        for price in self._prices:
            if price.since <= day and fnmatchcase(host, price.host) and _one_of(model, price.models):
                fits = price
        return fits

    def cost(self, spent: Spent) -> float | None:
        """What SPENT costs; None when it has tokens without a price."""
        if not spent.tokens:
            return 0.0
        price = self.price(spent.host, spent.model, spent.day)
        return None if price is None else cost(price, spent)

    def newest(self) -> str:
        """The newest day that a price names; empty when none does."""
        return self._prices[-1].since if self._prices else ""


def cost(price: Price, spent: Spent) -> float:
    """What SPENT costs at PRICE. Tokens from and for the provider's cache are part of the input."""
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    plain = max(0, spent.input - spent.cached_input - spent.cache_write)
    whole = plain * price.input + spent.cached_input * cached + spent.cache_write * written
    return (whole + spent.output * price.output) / MILLION


def _one_of(model: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)
