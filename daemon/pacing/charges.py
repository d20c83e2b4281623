"""What we sent lately: charges in order of sending, with running sums over moving windows.

No call walks through what went before it: what is asked of a call costs the same after a hundred thousand others.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from itertools import pairwise

from daemon.pacing.blocks import BLOCK, Blocks, Charge
from daemon.pacing.thinning import OLD_PARTS, PARTS, RECENT, YOUNG_S, thinned


@dataclass(slots=True)
class Window:
    """The sum of the charges of the last `period_s` seconds. Amortised O(1)."""

    period_s: float
    first: int = 0
    """Index in the log of the oldest charge inside."""
    total: float = 0.0
    calls: int = 0
    """How many attempts that were."""
    edge: float = float("-inf")
    """Charges at or before this instant are outside."""


@dataclass(slots=True)
class Mark:
    """The sum of the charges since a fixed instant."""

    edge: float = float("inf")
    """Charges before this instant are outside."""
    total: float = 0.0


@dataclass(slots=True)
class ChargeLog:
    """Charges in order of time. Keeps twice the longest window, so that a late answer can still be placed."""

    window: Window
    slices: Window | None = None
    """A shorter window inside the first, when the provider enforces its limit in slices."""
    blocks: Blocks = field(default_factory=Blocks)
    period_mark: Mark = field(default_factory=Mark)
    """Since the present fixed window began."""
    slice_mark: Mark = field(default_factory=Mark)
    """Since the present slice began."""
    guard_s: float = 0.05
    inside: Window = field(init=False)
    """What is surely in the period on the server too, whatever the way there took."""
    lately: Window = field(init=False)
    """What may be on its way."""
    windows: tuple[Window, ...] = field(init=False)
    _most: int = 2 * RECENT
    """With more charges than this they are thinned out."""

    def __post_init__(self) -> None:
        self._open()

    @property
    def entries(self) -> list[Charge]:
        """The charges, in order of sending."""
        return self.blocks.charges

    @property
    def newest(self) -> float:
        """When the last charge went."""
        return self.blocks.charges[-1].at if self.blocks.charges else float("-inf")

    def add(self, charge: Charge) -> None:
        self.blocks.append(charge)
        for window in self.windows:
            window.total += charge.amount
            window.calls += charge.calls
        for mark in (self.period_mark, self.slice_mark):
            if charge.at >= mark.edge:
                mark.total += charge.amount

    def advance(self, now: float, guard: float, floor: float = float("inf")) -> float:
        """Let what is older than the windows leave them; return how much later than FLOOR has left the first window."""
        left = self._leave(self.window, now - self.window.period_s - guard, floor)
        if self.slices is not None:
            self._leave(self.slices, now - self.slices.period_s - guard)
        self._trim(now, guard)
        return left

    def advance_way(self, now: float, guard: float) -> None:
        """The same for the windows about what is on its way, which are asked when a call goes."""
        for window in (self.inside, self.lately):
            self._leave(window, now - window.period_s - guard)

    def _leave(self, window: Window, edge: float, floor: float = float("inf")) -> float:
        """Let the charges up to EDGE leave WINDOW; return the sum of those that are later than FLOOR."""
        if edge <= window.edge:
            return 0.0
        window.edge = edge
        entries, i, left = self.blocks.charges, window.first, 0.0
        n = len(entries)
        while i < n and (charge := entries[i]).at <= edge:
            window.total -= charge.amount
            window.calls -= charge.calls
            if charge.at - charge.span_s > floor:
                left += charge.amount
            i += 1
        window.first = i
        if i == n:
            window.total = 0.0  # no rounding error survives an empty window
        return left

    def since_mark(self, mark: Mark, edge: float) -> float:
        """Return the sum of charges at or after EDGE. O(1) while EDGE stays the same."""
        if mark.edge != edge:
            mark.edge = edge
            mark.total = self.since(edge - 1e-9)
        return mark.total

    def change(self, charge: Charge, amount: float) -> None:
        """Set what CHARGE counts, wherever it stands."""
        more = amount - charge.amount
        if not self.blocks.change(charge, amount, charge.actual):
            return
        for window in self.windows:
            if charge.at > window.edge:
                window.total = max(0.0, window.total + more)
        for mark in (self.period_mark, self.slice_mark):
            if charge.at >= mark.edge:
                mark.total = max(0.0, mark.total + more)

    def cost(self, charge: Charge, actual: float | None) -> None:
        """CHARGE has cost ACTUAL, whatever it counts; None: that is not known yet."""
        self.blocks.change(charge, charge.amount, actual)

    def postpone(self, charge: Charge, at: float) -> None:
        """CHARGE went later than thought, at AT; those behind it did so, too."""
        entries, first = self.entries, self.blocks.index(charge)
        for j in range(first if first is not None else len(entries), len(entries)):
            before, entries[j].at = entries[j].at, max(at, entries[j].at)
            if before >= at:
                break
            for window in self.windows:
                if before <= window.edge < at:
                    window.total += entries[j].amount
                    window.calls += entries[j].calls
                    window.first = min(window.first, j)
        self.period_mark.edge = self.slice_mark.edge = float("inf")  # both are summed anew

    def since(self, at: float) -> float:
        """Return the sum of charges later than AT."""
        return self.blocks.total(self.blocks.later(at), len(self.entries))

    def after(self, at: float) -> list[Charge]:
        """Return the charges later than AT, in order. O(log n + number of them)."""
        return self.entries[self.blocks.later(at) :]

    def after_seq(self, seq: int) -> list[Charge]:
        """Return the charges sent after number SEQ, in order. O(number of them)."""
        entries = self.blocks.charges
        i = len(entries)
        while i > 0 and entries[i - 1].seq > seq:
            i -= 1
        return entries[i:]

    def before(self, at: float) -> Charge | None:
        """Return the last charge that went before AT and was not undone."""
        i = self.blocks.since(at) - 1
        while i >= 0 and self.entries[i].gone:
            i -= 1
        return self.entries[i] if i >= 0 else None

    def between(self, start: float, end: float) -> float:
        """Return the sum of charges in (START, END]."""
        if end <= start or start >= self.newest:
            return 0.0
        first = self.blocks.later(start)
        return self.blocks.total(first, self.blocks.later(end, first))

    def unused_since(self, at: float) -> float:
        """Return what was reserved and not used by the charges later than AT."""
        return self.blocks.unused(self.blocks.later(at))

    def beside(self, charge: Charge, guard: float) -> float:
        """Return the sum of charges that went after CHARGE, but so soon that they may have come before it."""
        place = self.blocks.index(charge)
        first = place + 1 if place is not None else self.blocks.later(charge.at)
        if first == len(self.entries):
            return 0.0
        return self.blocks.total(first, self.blocks.later(charge.at + guard, first))

    def exit_of(self, lack: float, window: Window, guard: float) -> float:
        """Return the instant at which charges worth LACK have left WINDOW; infinity when there are not as many."""
        place = self.blocks.reach(window.first, lack - 1e-9)
        return self.entries[place].at + window.period_s + guard if place is not None else float("inf")

    def nth(self, window: Window, number: int) -> Charge:
        """Return the charge that has NUMBER attempts of WINDOW before it, the last one when there are fewer."""
        return self.entries[self.blocks.nth(window.first, number)]

    # Lengths, sleep, memory

    def resize(self, period_s: float, slices: int, now: float, guard: float) -> None:
        """Change the windows' lengths; sums are made anew."""
        self.window = Window(period_s)
        self.slices = Window(period_s / slices) if slices > 1 else None
        self._open()
        for window in self.windows:
            window.total = sum([charge.amount for charge in self.entries])
            window.calls = sum([charge.calls for charge in self.entries])
        self.advance(now, guard)
        self.advance_way(now, guard)

    def shift(self, seconds: float) -> None:
        """Make everything SECONDS older: the clock stood still while the provider's went on."""
        for charge in self.entries:
            charge.at -= seconds
        for window in self.windows:
            window.edge -= seconds
        self.period_mark, self.slice_mark = Mark(), Mark()

    def _open(self) -> None:
        """The windows that are summed, after their lengths were set."""
        self.inside = Window(max(0.0, self.window.period_s - 2 * self.guard_s))
        self.lately = Window(0.0)
        every = (self.window, self.inside, self.lately)
        self.windows = every if self.slices is None else (*every, self.slices)

    def _trim(self, now: float, guard: float) -> None:
        """Forget what is older than two windows, now and then."""
        first = self.window.first
        if first < 8 * BLOCK:
            return
        entries, old = self.blocks.charges, now - 2 * self.window.period_s
        if first < len(entries) // 2 or entries[BLOCK - 1].at >= old:
            return
        self.advance_way(now, guard)  # else these would point to what is forgotten: they lie behind after a pause
        n = self.blocks.forget(min(first, self.blocks.since(old)))
        for window in self.windows:
            window.first -= n

    @property
    def dense(self) -> bool:
        """True if it is time to `thin` out: half as many again have come since the last time."""
        return len(self.blocks.charges) > self._most

    def thin(self, now: float, guard: float, alone: Container[int]) -> None:
        """Let charges that have ended and lie close together become one, but those with a number in ALONE. Nothing is
        added up across the beginning of a sum that is kept."""
        self.advance_way(now, guard)
        period, blocks, firsts = self.window.period_s, self.blocks, [window.first for window in self.windows]
        end = len(blocks.charges) - RECENT
        young = blocks.since(now - min(YOUNG_S, period / 16))
        marks = [blocks.later(mark.edge - 1e-9) for mark in (self.period_mark, self.slice_mark)]
        fewer, moved = list[Charge](), dict[int, int]()
        for a, b in pairwise(sorted({0, end, *(i for i in (young, *firsts, *marks) if i < end)})):
            moved[a] = len(fewer)
            parts = period / PARTS if a >= self.window.first else period / OLD_PARTS
            fewer += thinned(blocks.charges[a:b], min(guard / 4, parts) if a >= young else parts, alone)
        blocks.replace(0, end, fewer)
        for window in self.windows:
            window.first = moved.get(window.first, window.first - end + len(fewer))
        self._most = len(blocks.charges) + max(2 * RECENT, len(blocks.charges) // 2)
