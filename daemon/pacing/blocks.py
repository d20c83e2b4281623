"""Charges in order of sending, in blocks whose sums are known: any stretch is added up without walking through it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter

BLOCK = 64
"""Charges in a block. With some thousand charges, a sum takes about as many steps as a block has charges."""
_when, _amount, _calls = attrgetter("at"), attrgetter("amount"), attrgetter("calls")


@dataclass(slots=True)
class Charge:
    """What one attempt takes from one limit."""

    seq: int
    """Number in order of sending, over the whole program."""
    at: float
    amount: float
    """What counts now. Never negative; changes when the provider gives unused tokens back."""
    reserved: float
    """What was taken when it was sent."""
    actual: float | None = None
    """What the call cost in the end, when that is known."""
    least: float = 0.0
    """What the server had surely counted of ours in the period when this one came, itself included."""
    most: float = 0.0
    """What it may have counted at most; those in flight beside it may come before or after it."""
    period_start: float = 0.0
    """Calendar limits: the start of the period it belongs to."""
    gone: bool = False
    """Undone: it never counted."""
    ended: bool = False
    """Its attempt is over and nothing changes it any more: it may be added to its neighbours."""
    calls: int = 1
    """How many attempts it stands for (`daemon.pacing.thinning`)."""
    span_s: float = 0.0
    """How long before `at` the first of these went."""
    place: int = -1
    """Where it stands in its log, counted from the first charge that the log ever had."""

    @property
    def unused(self) -> float:
        """What was reserved and not used, as far as it still counts."""
        return self.amount - self.actual if self.actual is not None else 0.0


class Blocks:
    """The charges of one log. Blocks are filled one after another, and forgotten as a whole."""

    __slots__ = ("_base", "_calls", "_totals", "_unused", "charges")

    def __init__(self) -> None:
        self.charges: list[Charge] = []
        self._totals: list[float] = []
        self._unused: list[float] = []
        self._calls: list[int] = []
        self._base = 0
        """The place of the first charge."""

    def append(self, charge: Charge) -> None:
        """CHARGE goes, after all others."""
        n = len(self.charges)
        charge.place = self._base + n
        self.charges.append(charge)
        if n % BLOCK:
            self._totals[-1] += charge.amount
            self._unused[-1] += charge.unused
            self._calls[-1] += charge.calls
        else:
            self._totals.append(charge.amount)
            self._unused.append(charge.unused)
            self._calls.append(charge.calls)

    def index(self, charge: Charge) -> int | None:
        """Return where CHARGE stands; None when it is here no longer."""
        i = charge.place - self._base
        return i if 0 <= i < len(self.charges) and self.charges[i] is charge else None

    def change(self, charge: Charge, amount: float, actual: float | None) -> bool:
        """Set what CHARGE counts and cost. Return False when it is here no longer, and no sum knows it."""
        i = self.index(charge)
        if i is not None:
            self._totals[i // BLOCK] += amount - charge.amount
            self._unused[i // BLOCK] -= charge.unused
        charge.amount, charge.actual = amount, actual
        if i is not None:
            self._unused[i // BLOCK] += charge.unused
        return i is not None

    # Where is an instant, and what is in a stretch

    def later(self, at: float, start: int = 0) -> int:
        """Return where the charges begin that are later than AT."""
        return bisect_right(self.charges, at, start, key=_when)

    def since(self, at: float) -> int:
        """Return where the charges begin that are not before AT."""
        return bisect_left(self.charges, at, key=_when)

    def total(self, first: int, end: int) -> float:
        """Return the sum of the amounts from FIRST up to, without, END."""
        charges, a, b = self.charges, -(-first // BLOCK), end // BLOCK
        if a >= b:
            return sum([charge.amount for charge in charges[first:end]])
        head = sum([charge.amount for charge in charges[first : a * BLOCK]])
        return head + sum(self._totals[a:b]) + sum([charge.amount for charge in charges[b * BLOCK : end]])

    def unused(self, first: int) -> float:
        """Return the sum of what was not used from FIRST on."""
        a = -(-first // BLOCK)
        return sum([charge.unused for charge in self.charges[first : a * BLOCK]]) + sum(self._unused[a:])

    def reach(self, first: int, amount: float) -> int | None:
        """Return the charge with which the sum from FIRST reaches AMOUNT; None when it does not."""
        return self._walk(first, amount, self._totals, _amount)

    def nth(self, first: int, number: int) -> int:
        """Return the charge from FIRST on that has NUMBER attempts before it; the last one when there are fewer."""
        found = self._walk(first, number + 1, self._calls, _calls)
        return len(self.charges) - 1 if found is None else found

    def _walk(self, first: int, least: float, sums: Sequence[float], part: Callable[[Charge], float]) -> int | None:
        """Return where the sum of the PARTs from FIRST on is LEAST; whole blocks are passed by their SUMS."""
        i, n, total = first, len(self.charges), 0.0
        while i < n:
            end = min(i - i % BLOCK + BLOCK, n)
            whole = sums[i // BLOCK] if i % BLOCK == 0 else sum(map(part, self.charges[i:end]))
            if total + whole >= least:
                up_to = list(accumulate(map(part, self.charges[i:end]), initial=total))
                return min(i + max(bisect_left(up_to, least), 1), end) - 1
            total, i = total + whole, end
        return None

    # Fewer

    def forget(self, count: int) -> int:
        """Forget the first COUNT charges, rounded down to whole blocks; return how many these are."""
        blocks = count // BLOCK
        count = blocks * BLOCK
        for sums in (self._totals, self._unused, self._calls):
            del sums[:blocks]
        del self.charges[:count]
        self._base += count
        return count

    def replace(self, first: int, end: int, fewer: list[Charge]) -> None:
        """Let FEWER stand from FIRST up to, without, END."""
        charges, block = self.charges, first // BLOCK
        charges[first:end] = fewer
        for sums in (self._totals, self._unused, self._calls):
            del sums[block:]
        for i in range(block * BLOCK, len(charges), BLOCK):
            inside = charges[i : i + BLOCK]
            self._totals.append(sum([charge.amount for charge in inside]))
            self._unused.append(sum([charge.unused for charge in inside]))
            self._calls.append(sum([charge.calls for charge in inside]))
        for place, charge in enumerate(charges[first:], self._base + first):
            charge.place = place
