"""Limits that nobody states: refusals without headers. A guess from what went through, and careful looks.

After the first refusal the limit is guessed from what went through in a period. One call at a time then looks whether
it is open again: when the refusal said so, else after 2, 4, 8 ... seconds (of a 60-second minute), a quarter of the
period at most. What goes through, and when, tells how the provider counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from daemon.pacing.learning import set_boundary
from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import level_up, reshape
from daemon.pacing.shapes import periods

INFINITE = float("inf")
START = 0.9
UP, DOWN, DOWN_BUCKET = 1.05, 0.8, 0.95


@dataclass(slots=True)
class Guess:
    """What refusals have taught about one ledger."""

    ledger: Ledger
    refused_at: float
    """The last refusal."""
    first_refused_at: float
    row: int = 1
    """Refusals since something went through."""
    changed_at: float = 0.0
    sure: bool = False
    """How the provider counts has been found out: no more looks."""
    end: float | None = None
    """When the last refusal said that it would be open again."""

    def next_look_s(self) -> float:
        """Return the wait after the last refusal."""
        period = self.ledger.period_s
        return min(period / 4, period / 30 * 2.0 ** max(0, self.row - 1))

    def set_look(self) -> None:
        """Tell the ledger from when on one call may try."""
        self.ledger.look_at = INFINITE if self.sure else self.refused_at + self.next_look_s()

    def refused(self, hint_s: float | None, now: float) -> None:
        """Once more."""
        self.row += 1
        if self.row == 1:
            self.first_refused_at = now
        self.refused_at = now
        self._place(hint_s, now)
        if self.sure and now - self.changed_at > 0.5 * self.ledger.period_s:
            self._lower(now)
        self.set_look()

    def _lower(self, now: float) -> None:
        """The guess was too high; this happens once in half a period at most."""
        ledger = self.ledger
        if ledger.ceiling is not None:
            ledger.ceiling = max(1.0, ledger.ceiling * (DOWN_BUCKET if ledger.shape == "bucket" else DOWN))
        self.changed_at = now
        self.sure = self.sure and self.row <= 3
        level_up(ledger, now)

    def _place(self, hint_s: float | None, now: float) -> None:
        """Where windows lie: two named ends give their length; a refusal in the middle of one says that they slide."""
        ledger = self.ledger
        filled = ledger.log.since(ledger.boundary - 1e-9) if ledger.boundary is not None else 0.0
        if ledger.shape == "fixed" and ledger.ceiling is not None and filled < 0.7 * ledger.ceiling:
            reshape(ledger, now, shape="sliding")
            self.sure, self.changed_at = True, now
        if hint_s is None:
            return
        end, before = now + hint_s, self.end
        self.end = end
        if ledger.shape == "fixed" and before is not None and end - before > 0.05 * ledger.period_s:
            usual = min(periods(ledger.minute_s), key=lambda p: abs(p - (end - before)))
            if abs(usual - (end - before)) < 0.05 * usual and not self.sure:
                reshape(ledger, now, period_s=usual)
            set_boundary(ledger, end, now)
            self.sure, self.changed_at = True, now

    def passed(self, sent_at: float, now: float) -> None:
        """A call sent at SENT_AT went through."""
        ledger, since = self.ledger, sent_at - self.refused_at
        if since <= 0 or ledger.ceiling is None:
            return
        if self.row and not self.sure:
            self._conclude(sent_at, now)
        elif self.sure and now - self.changed_at > ledger.period_s and ledger.avail(now) < 0.05 * ledger.ceiling + 1:
            ledger.ceiling *= UP
            self.changed_at = now
            level_up(ledger, now)
        self.row = 0
        self.set_look()

    def _conclude(self, sent_at: float, now: float) -> None:
        """What does the first call after refusals tell?"""
        ledger = self.ledger
        self.changed_at = now
        if self.end is not None:
            reshape(ledger, now, shape="fixed")
            set_boundary(ledger, min(self.end, sent_at), now)
            return  # how long the windows are, the next refusal tells
        self.sure = True
        spent = ledger.log.window.total
        if self.row <= 2 and sent_at - self.first_refused_at < 0.2 * ledger.period_s:
            reshape(ledger, now, shape="bucket")
            if ledger.house is not None:
                ledger.house.level, ledger.house.at = -1.0, sent_at
        elif spent > 1.2 * (ledger.cap or 1.0) or (spent > 1 and sent_at < self._oldest() + 0.99 * ledger.period_s):
            reshape(ledger, now, shape="fixed")
            set_boundary(ledger, sent_at, now)
        else:
            reshape(ledger, now, shape="sliding")

    def _oldest(self) -> float:
        """When the calls that filled the limit began."""
        begun = self.first_refused_at - self.ledger.period_s
        return next((c.at for c in self.ledger.log.entries if c.at > begun and not c.gone), -INFINITE)


def begin(ledger: Ledger, cost: float, hint_s: float | None, now: float) -> Guess:
    """The first refusal: guess the limit from what went through, and from the wait that was named, if any.

    A wait no longer than one call's refill is a bucket's; else the limit is what a window let through.
    """
    ledger.log.advance(now, ledger.guard_s)
    log = ledger.log
    passed = log.window.total
    guess = Guess(ledger, now, now, changed_at=now)
    bucket = hint_s is not None and passed > 0 and hint_s <= 1.2 * cost * ledger.period_s / passed
    if hint_s is not None and not bucket:
        guess.end = now + hint_s
    if ledger.cap is None:
        took = now - log.entries[log.window.first].at if log.window.first < len(log.entries) else 0.0
        window = START if hint_s is None else 1.0
        part = 1.0 / (1.0 + took / ledger.period_s) if bucket else window
        ledger.ceiling, ledger.source = max(1.0, float(int(part * passed))), "guess"
        if bucket and hint_s is not None:
            reshape(ledger, now, shape="bucket")
            if ledger.house is not None:
                ledger.house.level, ledger.house.at = cost - hint_s * ledger.rate, now
            guess.sure = True
    ledger.version += 1
    guess.set_look()
    return guess
