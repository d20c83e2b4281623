"""Limits that nobody states: bare refusals without headers. A guess from what went through, and careful looks.

After the first refusal the limit is guessed at 90 % of what went through in a period. One call at a time then looks
whether it is open again, after 2, 4, 8 ... seconds (of a 60-second minute), a quarter of the period at most. What
goes through early tells how the provider counts: soon after the refusal it is a bucket; before our own calls are a
period old, a window.
"""

from __future__ import annotations

from dataclasses import dataclass

from daemon.pacing.learning import set_boundary
from daemon.pacing.ledger import Ledger

INFINITE = float("inf")
START = 0.9
UP, DOWN = 1.05, 0.8
DOWN_BUCKET = 0.95


@dataclass(slots=True)
class Guess:
    """What bare refusals have taught about one ledger."""

    ledger: Ledger
    refused_at: float
    """The last refusal."""
    first_refused_at: float
    row: int = 1
    """Refusals since something went through."""
    changed_at: float = 0.0
    sure: bool = False
    """How the provider counts has been found out."""

    def next_look_s(self) -> float:
        """Return the wait after the last refusal."""
        period = self.ledger.period_s
        return min(period / 4, period / 30 * 2.0 ** (self.row - 1))

    def refused(self, now: float) -> None:
        """Once more. Lower the guess, once a period at most, unless it was only a look."""
        self.row += 1
        ledger = self.ledger
        if self.sure and ledger.ceiling is not None and now - self.changed_at > 0.5 * ledger.period_s:
            ledger.ceiling = max(1.0, ledger.ceiling * (DOWN_BUCKET if ledger.shape == "bucket" else DOWN))
            self.changed_at = now
            if self.row > 3:
                self.sure = False
            ledger.level_up(now)
        if self.row == 1:
            self.first_refused_at = now
        self.refused_at = now
        self.set_look()

    def passed(self, sent_at: float, now: float) -> None:
        """A call sent at SENT_AT went through."""
        ledger, since = self.ledger, sent_at - self.refused_at
        if since <= 0 or ledger.ceiling is None:
            return
        if not self.sure:
            self._conclude(sent_at, now)
        elif (
            now - self.changed_at > ledger.period_s
            and ledger.ceiling - ledger.log.window.total < 0.05 * ledger.ceiling + 1
        ):
            ledger.ceiling *= UP
            self.changed_at = now
            ledger.level_up(now)
        self.row = 0
        self.set_look()

    def _conclude(self, sent_at: float, now: float) -> None:
        """What does the first call after refusals tell?"""
        ledger = self.ledger
        self.sure, self.changed_at = True, now
        spent = ledger.log.window.total
        if self.row <= 2 and sent_at - self.first_refused_at < 0.2 * ledger.period_s:
            ledger.reshape(now, shape="bucket")
            if ledger.house is not None:
                ledger.house.level, ledger.house.at = -1.0, sent_at
        elif spent > 1.2 * (ledger.cap or 1.0) or (spent > 1 and sent_at < self._oldest() + ledger.period_s):
            ledger.reshape(now, shape="fixed")
            set_boundary(ledger, sent_at, now)
        else:
            ledger.reshape(now, shape="sliding")

    def set_look(self) -> None:
        """Tell the ledger from when on one call may try."""
        self.ledger.look_at = INFINITE if self.sure else self.refused_at + self.next_look_s()

    def _oldest(self) -> float:
        log = self.ledger.log
        return log.entries[log.window.first].at if log.window.first < len(log.entries) else -INFINITE


def begin(ledger: Ledger, cost: float, hint_s: float | None, now: float) -> Guess:
    """The first refusal: guess the limit from what went through, and from the wait that was named, if any.

    A wait that is short beside the period is a bucket's, and tells its rate; else the limit is what a window let through.
    """
    ledger.log.advance(now, ledger.guard_s)
    log = ledger.log
    passed = log.window.total
    guess = Guess(ledger, now, now, changed_at=now)
    if ledger.cap is None:
        took = now - log.entries[log.window.first].at if log.window.first < len(log.entries) else 0.0
        bucket = hint_s is not None and hint_s < 0.1 * ledger.period_s
        window = START if hint_s is None else 1.0
        part = 1.0 / (1.0 + took / ledger.period_s) if bucket else window
        ledger.ceiling, ledger.source = max(1.0, float(int(part * passed))), "guess"
        if bucket and hint_s is not None:
            ledger.reshape(now, shape="bucket")
            if ledger.house is not None:
                ledger.house.level, ledger.house.at = cost - hint_s * ledger.rate, now
            guess.sure = True
    ledger.version += 1
    guess.set_look()
    return guess
