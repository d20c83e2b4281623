"""What we sent lately: charges in order of sending, with running sums over moving windows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field


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


@dataclass(slots=True)
class Window:
    """The sum of the charges of the last `period_s` seconds. Amortised O(1)."""

    period_s: float
    first: int = 0
    """Index in the log of the oldest charge inside."""
    total: float = 0.0
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
    entries: list[Charge] = field(default_factory=list)
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

    def __post_init__(self) -> None:
        self._open()

    def add(self, charge: Charge) -> None:
        self.entries.append(charge)
        for window in self.windows:
            window.total += charge.amount
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
        entries, i, left = self.entries, window.first, 0.0
        n = len(entries)
        if edge > window.edge:
            window.edge = edge
            while i < n and entries[i].at <= edge:
                window.total -= entries[i].amount
                if entries[i].at > floor:
                    left += entries[i].amount
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
        for window in self.windows:
            if charge.at > window.edge:
                window.total = max(0.0, window.total + amount - charge.amount)
        for mark in (self.period_mark, self.slice_mark):
            if charge.at >= mark.edge:
                mark.total = max(0.0, mark.total + amount - charge.amount)
        charge.amount = amount

    def postpone(self, charge: Charge, at: float) -> None:
        """CHARGE went later than thought, at AT; those behind it did so, too."""
        entries, i = self.entries, len(self.entries)
        while i > 0 and entries[i - 1].seq >= charge.seq:
            i -= 1
        for j in range(i, len(entries)):
            before, entries[j].at = entries[j].at, max(at, entries[j].at)
            if before >= at:
                break
            for window in self.windows:
                if before <= window.edge < at:
                    window.total += entries[j].amount
                    window.first = min(window.first, j)
        self.period_mark.edge = self.slice_mark.edge = float("inf")  # both are summed anew

    def since(self, at: float) -> float:
        """Return the sum of charges later than AT. O(number of them)."""
        total = 0.0
        for charge in reversed(self.entries):
            if charge.at <= at:
                break
            total += charge.amount
        return total

    def after(self, at: float) -> list[Charge]:
        """Return the charges later than AT, in order. O(log n + number of them)."""
        return self.entries[bisect_right(self.entries, at, key=_when) :]

    def after_seq(self, seq: int) -> list[Charge]:
        """Return the charges sent after number SEQ, in order. O(number of them)."""
        later: list[Charge] = []
        for charge in reversed(self.entries):
            if charge.seq <= seq:
                break
            later.append(charge)
        return later[::-1]

    def between(self, start: float, end: float) -> float:
        """Return the sum of charges in (START, END]. O(log n + number of them)."""
        i = bisect_right(self.entries, start, key=_when)
        total = 0.0
        while i < len(self.entries) and self.entries[i].at <= end:
            total += self.entries[i].amount
            i += 1
        return total

    def beside(self, charge: Charge, guard: float) -> float:
        """Return the sum of charges that went after CHARGE, but so soon that they may have come before it."""
        total = 0.0
        for i in range(bisect_left(self.entries, charge.at, key=_when), len(self.entries)):
            other = self.entries[i]
            if other.at > charge.at + guard:
                break
            total += other.amount if other.seq > charge.seq else 0.0
        return total

    def exit_of(self, lack: float, window: Window, guard: float) -> float:
        """Return the instant at which charges worth LACK have left WINDOW; infinity when there are not as many."""
        freed = 0.0
        for i in range(window.first, len(self.entries)):
            charge = self.entries[i]
            freed += charge.amount
            if freed >= lack - 1e-9:
                return charge.at + window.period_s + guard
        return float("inf")

    def resize(self, period_s: float, slices: int, now: float, guard: float) -> None:
        """Change the windows' lengths; sums are made anew."""
        self.window = Window(period_s)
        self.slices = Window(period_s / slices) if slices > 1 else None
        self._open()
        for window in self.windows:
            window.total = sum(charge.amount for charge in self.entries)
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
        if first < 512 or first < len(self.entries) // 2:
            return
        self.advance_way(now, guard)  # else these would point to what is forgotten: they lie behind after a pause
        old = now - 2 * self.window.period_s
        n = 0
        while n < first and self.entries[n].at < old:
            n += 1
        del self.entries[:n]
        for window in self.windows:
            window.first -= n


def _when(charge: Charge) -> float:
    return charge.at
