"""A person's own budgets: how much of each is used, when to warn, and which call goes beyond.

What has ended counts with what the provider reported; what is on its way counts with our estimate, so that a burst
cannot spend a budget many times. Everything is per the person's own calendar.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from daemon.errors import OverBudget
from daemon.model import Call, Event, Usage
from daemon.phrases import phrase
from daemon.spending import Budget, Spent
from daemon.usage.calendar import begins, day_of, ends_at
from daemon.usage.prices import PriceList

ENDS = ("done", "failed", "cancelled")

PENDING_S = 1.0
"""For so long a call is held whose budget others on their way may use up; then it is looked at again."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A budget has come to the part at which the person wants to know, or to its end."""

    key: str
    """The same as long as it is the same budget in the same day, week or month, and the same part."""
    words: str
    """A phrase."""
    part: float
    """1.0 or more: used up."""


@dataclass(slots=True)
class Purse:
    """One budget, and what is gone of it."""

    budget: Budget
    first_day: str = ""
    spent: float = 0.0
    warned: set[float] = field(default_factory=set)
    unpriced: set[str] = field(default_factory=set)
    """Models without a price, whose cost is therefore not in `spent`."""
    pending: dict[str, float] = field(default_factory=dict)
    """Estimates of calls that are on their way, by id."""

    @property
    def part(self) -> float:
        return (self.spent + sum(self.pending.values())) / self.budget.amount

    def on_the_way(self, but: str) -> float:
        """The estimates of all that are on their way, BUT for the call of that id."""
        return sum(amount for call_id, amount in self.pending.items() if call_id != but)


class Budgets:
    """All budgets. A reader of the gateway's events, and asked before each call goes."""

    def __init__(
        self,
        budgets: Iterable[Budget] = (),
        prices: PriceList | None = None,
        *,
        currency: str = "USD",
        patience: Callable[[Call], float] = lambda call: 0.0,
        clock: Callable[[], float] = time.time,
        alarm: Callable[[Alarm], None] = lambda alarm: None,
    ) -> None:
        """PATIENCE: the longest that a call may be held for a new day, in seconds. ALARM hears once in each period
        when a budget comes to `warn_at`, and once when it is used up."""
        self._prices = prices or PriceList()
        self._currency = currency
        self._patience = patience
        self._clock = clock
        self._alarm = alarm
        self._purses = [Purse(budget) for budget in budgets]

    def __bool__(self) -> bool:
        return bool(self._purses)

    def first_day(self) -> str:
        """The earliest day that still counts for some budget, for `load`."""
        now = self._clock()
        return min((begins(purse.budget.per, now) for purse in self._purses), default=day_of(now))

    def load(self, rows: Iterable[Spent]) -> None:
        """Count what the ledger says was used before. ROWS: all from `first_day` on. Nobody is alarmed again."""
        for purse in self._purses:
            self._turn(purse)
        for row in rows:
            for purse in self._purses:
                if row.day >= purse.first_day and _counts(purse.budget, row):
                    self._add(purse, row)
        for purse in self._purses:
            purse.warned = {part for part in _parts(purse.budget) if purse.part >= part}

    def holds(self, call: Call) -> tuple[float, str] | None:
        """How many seconds CALL must wait for a budget that begins anew, or until it is worth asking again whether
        calls on their way have left something of it; and why. None: it may go.

        Raises OverBudget, with `retry_after_s` and what holds in its facts, where the person chose that a call beyond
        the budget be refused, or the wait would be too long.
        """
        full = self._full(call)
        if full is None:
            return None
        if full.spent < full.budget.amount:
            return self._until_one_ends(full, call)
        over = self._over(full)
        wait_s = float(str(over.facts["retry_after_s"]))
        if full.budget.then != "hold" or wait_s > self._patience(call):
            raise over
        return wait_s, over.message

    def expect(self, call: Call, *, goes: bool = True) -> None:
        """CALL goes in a moment, together with others: it is on its way already. Without GOES: it is not after all."""
        if goes:
            self._reserve(call)
            return
        for purse in self._purses:
            purse.pending.pop(call.id, None)

    def hear(self, event: Event) -> None:
        """A sink of the gateway."""
        if not self._purses:
            return
        together = event.kind == "joined" and event.company is not None and event.company.how == "batch"
        # The first call counts again: it has failed, and so has whoever was asked in its place.
        back = event.kind == "rerouted" and event.failure is not None and event.attempt > 0
        if event.kind == "sent" or together or back:
            self._reserve(event.call)
        elif event.kind in ENDS:
            self._settle(event)

    def states(self) -> list[dict[str, Any]]:
        """Each budget for `status`: JSON-ready, with phrases."""
        now, rows = self._clock(), []
        for purse in self._purses:
            self._turn(purse)
            budget = purse.budget
            rows.append(
                {
                    "per": budget.per, "measure": budget.measure, "amount": budget.amount,
                    "spent": round(purse.spent, 6), "pending": round(sum(purse.pending.values()), 6),
                    "part": round(purse.part, 4), "models": list(budget.models), "client": budget.client,
                    "host": budget.host, "then": budget.then, "resets_at": ends_at(budget.per, now),
                    "unpriced": sorted(purse.unpriced), "words": self._words(purse),
                }
            )  # fmt: skip
        return rows

    # Inside

    def _full(self, call: Call) -> Purse | None:
        """A budget for CALL that is used up; else one that may be when all on their way have ended; None: neither."""
        row, maybe = _row(call, ""), None
        for purse in self._purses:
            self._turn(purse)
            if not _counts(purse.budget, row):
                continue
            if purse.spent >= purse.budget.amount:
                return purse
            if maybe is None and purse.spent + purse.on_the_way(but=call.id) >= purse.budget.amount:
                maybe = purse
        return maybe

    def _until_one_ends(self, purse: Purse, call: Call) -> tuple[float, str]:
        """Hold CALL for a moment; as a rule those on their way take less than we estimate. Raises OverBudget when it
        has been held as long as it may wait for a limit, or to its deadline."""
        most = min(self._patience(call), float("inf") if call.deadline_s is None else call.deadline_s)
        on_the_way = purse.on_the_way(but=call.id)
        budget, spent = self._named(purse.budget), self._amount(purse, purse.spent)
        pending = self._amount(purse, on_the_way)
        if self._clock() - call.arrived_at + PENDING_S > most:
            raise OverBudget(
                phrase("budget.may_be_over", budget=budget, spent=spent, pending=pending),
                **self._facts(purse, PENDING_S), pending=round(on_the_way, 6),
            )  # fmt: skip
        return PENDING_S, phrase("budget.on_the_way", budget=budget, spent=spent, pending=pending)

    def _turn(self, purse: Purse) -> None:
        """Begin anew when the day, week or month is over."""
        first = begins(purse.budget.per, self._clock())
        if first != purse.first_day:
            purse.first_day, purse.spent = first, 0.0
            purse.warned, purse.unpriced = set(), set()

    def _reserve(self, call: Call) -> None:
        estimate = call.estimate
        row = _row(call, day_of(self._clock()), Usage(round(estimate.input), round(estimate.output)))
        for purse in self._purses:
            if _counts(purse.budget, row):
                purse.pending[call.id] = self._measured(purse, row)

    def _settle(self, event: Event) -> None:
        going_on = event.kind == "failed" and not event.final
        nothing_came = event.kind == "cancelled" and event.usage is None
        row = _row(event.call, day_of(event.at), event.usage)
        for purse in self._purses:
            if purse.pending.pop(event.call.id, None) is None or going_on:
                continue
            self._turn(purse)
            if not nothing_came:
                self._add(purse, row)
            self._look(purse)

    def _add(self, purse: Purse, row: Spent) -> None:
        purse.spent += self._measured(purse, row)

    def _measured(self, purse: Purse, row: Spent) -> float:
        if purse.budget.measure == "tokens":
            return float(row.tokens)
        if purse.budget.measure == "calls":
            return float(row.calls)
        cost = self._prices.cost(row)
        if cost is None:
            purse.unpriced.add(row.model)
        return cost or 0.0

    def _look(self, purse: Purse) -> None:
        """Alarm whoever wants to know, once for each part in each period."""
        part = purse.spent / purse.budget.amount
        new = {one for one in _parts(purse.budget) if part >= one} - purse.warned
        if new:
            purse.warned |= new
            key = f"budget/{self._purses.index(purse)}/{purse.first_day}/{max(new):g}"
            self._alarm(Alarm(key, self._words(purse), part))

    def _over(self, purse: Purse) -> OverBudget:
        now = self._clock()
        ends = ends_at(purse.budget.per, now)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(ends))
        return OverBudget(
            phrase("budget.over", budget=self._named(purse.budget), spent=self._amount(purse, purse.spent), when=when),
            **self._facts(purse, round(max(0.0, ends - now), 3)),
        )

    def _facts(self, purse: Purse, retry_after_s: float) -> dict[str, Any]:
        budget = purse.budget
        return {
            "retry_after_s": retry_after_s, "then": budget.then, "per": budget.per, "measure": budget.measure,
            "limit": budget.amount, "used": round(purse.spent, 6),
        }  # fmt: skip

    def _words(self, purse: Purse) -> str:
        percent = f"{100 * purse.spent / purse.budget.amount:.0f}"
        spent = self._amount(purse, purse.spent)
        return phrase("budget.state", budget=self._named(purse.budget), spent=spent, percent=percent)

    def _named(self, budget: Budget) -> str:
        """The budget as one would name it: 500,000 tokens a day."""
        amount = f"{budget.amount:,.2f} {self._currency}" if budget.measure == "cost" else f"{budget.amount:,.0f}"
        only = ", ".join([*budget.models, *filter(None, (budget.client, budget.host))])
        named = phrase(f"budget.{budget.measure}_{budget.per}", amount=amount)
        return phrase("budget.only", budget=named, only=only) if only else named

    def _amount(self, purse: Purse, value: float) -> str:
        return f"{value:,.2f} {self._currency}" if purse.budget.measure == "cost" else f"{value:,.0f}"


def _parts(budget: Budget) -> tuple[float, ...]:
    return (budget.warn_at, 1.0)


def _counts(budget: Budget, row: Spent) -> bool:
    """True if BUDGET is about calls such as ROW."""
    return (
        (budget.client is None or budget.client == row.client)
        and (budget.host is None or fnmatchcase(row.host, budget.host))
        and (not budget.models or any(fnmatchcase(row.model, pattern) for pattern in budget.models))
    )


def _row(call: Call, day: str, usage: Usage | None = None) -> Spent:
    usage = usage or Usage()
    return Spent(
        day=day, host=call.origin.host, key=call.scope.key, model=call.model or "-", client=call.client, calls=1,
        input=usage.input, output=usage.output, cached_input=usage.cached_input, cache_write=usage.cache_write,
    )  # fmt: skip
