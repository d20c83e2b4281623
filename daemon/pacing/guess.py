"""Limits that nobody states: refusals without headers. A guess from what went through, and careful looks.

After the first refusal one call at a time looks whether it is open again: when the refusal said so, else after 2, 4,
8 ... seconds (of a 60-second minute), a quarter of the period at most. Once open, as much as before is tried, one call
after another. A bucket refuses that soon, a window lets it all through; then looks at the usual lengths of windows,
the shortest first, find out how long they are. A call that goes through only a whole period after the first ones says
that the window moves with the calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from daemon.pacing.learning import set_boundary
from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import level_up, reshape
from daemon.pacing.shapes import periods

INFINITE = float("inf")
UP, DOWN, DOWN_BUCKET = 1.05, 0.8, 0.95
State = Literal["looking", "trying", "timing", "placing", "sure"]
"""looking: is it open again? trying: how much fits? timing: how long is a window? placing: where does it begin?"""


@dataclass(slots=True)
class Guess:
    """What refusals have taught about one ledger."""

    ledger: Ledger
    refused_at: float
    """When the last refusal came."""
    began: float
    """When the first of the calls was sent that used up the limit."""
    went: float
    """How much went through before the first refusal."""
    nominal_s: float
    """The period that is the longest one to expect."""
    row: int = 1
    """Refused looks since something went through."""
    changed_at: float = 0.0
    state: State = "looking"
    opened: float = -INFINITE
    """When the call was sent that found it open again: the window had begun by then."""
    shut: float = -INFINITE
    """The last look before that: the window had not begun."""
    longest_refused_s: float = 0.0
    """Windows are longer than this."""
    end: float | None = None
    """When the last refusal said that it would be open again."""
    full: float = 0.0
    """What a window holds."""
    until: float = -INFINITE
    """A look at a shorter window belongs to the one that ends then."""
    before: tuple[float, float] | None = None
    """Length and beginning of the windows that were believed before a shorter one was."""
    placed: int = 0
    """How often it was looked for where windows begin, since they were proven."""
    stated: float = INFINITE
    """The ceiling in the user's config."""
    tried_s: float = 0.0
    """The length that it tries."""
    too_much: float = INFINITE
    """The ceiling that was refused last."""
    proven: bool = True
    """What is believed has held for a whole window."""

    @property
    def sure(self) -> bool:
        """How the provider counts has been found out: no more looks."""
        return self.state == "sure" and self.proven

    def next_look_s(self) -> float:
        """Return the wait after the last refusal."""
        period = self.ledger.period_s
        if self.state == "placing":
            return period / 6
        return min(period / 4, period / 30 * 2.0 ** max(0, self.row - 1))

    # A refusal

    def refused(self, hint_s: float | None, now: float, sent_at: float | None = None) -> None:
        """Once more. Those sent before the last refusal was known teach nothing new, but what went through is known
        better."""
        sent = now if sent_at is None else sent_at
        if hint_s is not None and self.ledger.shape == "bucket":
            self._level(hint_s, now)
        if sent <= self.refused_at:
            if self.state == "looking" and self.row == 1:
                self.went = max(1.0, self._spent(self.began))
                self.ledger.ceiling = min(self.ledger.ceiling or INFINITE, self.went)
            return
        self.row += 1
        self.refused_at = now
        if not self._looked(sent):
            self.too_much = self.ledger.ceiling or INFINITE
        if self.state == "looking":
            self.shut = max(self.shut, sent)
        elif self.state == "trying":
            self._tried(sent, now)
        elif self.state == "timing":
            self._still_full(sent)
            self.ledger.ceiling = max(1.0, min(self.ledger.ceiling or INFINITE, self._spent(self.opened)))
        elif self.state == "placing":
            self._still_shut(sent, now)
        elif self._looked(sent):
            self.longest_refused_s = max(self.longest_refused_s, self.tried_s)
        else:
            self._surprised(hint_s, sent, now)
        self._named(hint_s, sent, now)
        self.set_look(now)

    def set_look(self, now: float) -> None:
        """Tell the ledger from when on one call may try."""
        if self.state == "looking":
            self.ledger.look_at = self.refused_at + self.next_look_s()
        elif self.state == "timing":
            self.ledger.look_at = self._next_end(now)
        elif self.state == "placing":
            self.ledger.look_at = self.refused_at + self.ledger.period_s / 6
        elif self.sure and self.ledger.shape == "fixed" and self.ledger.period_s < self.nominal_s:
            self.ledger.look_at = self._shorter(now)
        else:
            self.ledger.look_at = INFINITE

    def _allow(self, amount: float) -> None:
        """Believe in AMOUNT; what the user states is never exceeded."""
        self.ledger.ceiling = max(1.0, min(amount, self.stated))

    def _tried(self, sent: float, now: float) -> None:
        """The trial was refused before all went that had gone before: little is a bucket's refill, much a window."""
        passed = self._spent(self.opened)
        refill = (self.opened - self.began) * self.went / self.nominal_s
        if passed <= 1.5 * refill + 2 and passed < 0.7 * self.went:
            self._is_bucket(sent, now)
        else:
            self._allow(passed)
            self.state = "timing"
            self.changed_at = now

    def _is_bucket(self, sent: float, now: float) -> None:
        """What went through at first was the bucket, and what had flowed back meanwhile."""
        ledger = self.ledger
        took = min(self.nominal_s, max(0.0, self.opened - self.began))
        self._allow(self.went / (1.0 + min(0.2, took / self.nominal_s)))
        reshape(ledger, now, shape="bucket", period_s=self.nominal_s)
        if ledger.house is not None:
            ledger.house.level, ledger.house.at = -1.0, sent
        self.state, self.changed_at = "sure", now

    def _level(self, hint_s: float, now: float) -> None:
        """A bucket that names the wait for one call tells its level."""
        house = self.ledger.house
        if house is not None:
            house.level, house.at = min(house.capacity, 1.0) - hint_s * house.rate, now

    def _surprised(self, hint_s: float | None, sent: float, now: float) -> None:
        """Refused although it was known how the provider counts."""
        ledger = self.ledger
        if ledger.shape != "fixed" or ledger.boundary is None:
            if ledger.shape == "sliding" and ledger.log.window.total < 0.97 * (ledger.ceiling or 0.0):
                ledger.ceiling, self.changed_at = max(1.0, ledger.log.window.total), now
            elif now - self.changed_at > 0.5 * ledger.period_s:
                self._lower(now, 0.98 if hint_s is not None and ledger.shape == "bucket" else None)
            return
        filled = self._spent(ledger.boundary)
        self._still_full(sent)
        if not self.proven and self.before is not None:
            self._longer_again(now)
            return
        placed = self.longest_refused_s > 0.5 * ledger.period_s or filled >= 0.3 * (ledger.ceiling or 0.0)
        if self.proven and filled >= 0.5 * (ledger.ceiling or 0.0):
            ledger.ceiling = self.full = max(1.0, filled)
        elif not self.proven and not placed:
            self.state = "timing"
            set_boundary(ledger, self.opened, now)
            reshape(ledger, now, period_s=self.nominal_s)
        elif ledger.period_s >= self.nominal_s:
            reshape(ledger, now, shape="sliding")
        else:
            self._place(filled, sent, now)
        self.changed_at = now

    def _place(self, filled: float, sent: float, now: float) -> None:
        """Find out where windows begin; if that has been done in vain, they are longer than believed."""
        ledger = self.ledger
        self.state, self.shut = "placing", sent
        self.full = max(1.0, filled) if filled >= 0.5 * (ledger.ceiling or 0.0) else ledger.ceiling or 0.0
        self.placed += 1
        longer = [p for p in periods(ledger.minute_s) if ledger.period_s * 1.01 < p <= self.nominal_s]
        if self.placed > 1 and longer and filled < 0.5 * (ledger.ceiling or 0.0):
            reshape(ledger, now, period_s=min(longer))
        ledger.boundary, ledger.ceiling = sent - ledger.period_s / 2, max(1.0, filled)  # nothing but looks

    def _longer_again(self, now: float) -> None:
        """The shorter window was an error: a look came through because the longer one begins earlier than believed."""
        if self.before is not None:
            self.longest_refused_s = max(self.longest_refused_s, self.ledger.period_s)
            reshape(self.ledger, now, period_s=self.before[0])
            set_boundary(self.ledger, self.before[1], now)
            self.opened, self.before, self.proven = self.before[1], None, True

    def _still_full(self, sent: float) -> None:
        """Refused since the last one that went through: no window has begun in between."""
        before = self.ledger.log.before(sent)
        if before is not None:
            self.longest_refused_s = max(self.longest_refused_s, sent - before.at)

    def _still_shut(self, sent: float, now: float) -> None:
        """A whole window of looks in vain: it must be a longer one."""
        ledger = self.ledger
        longer = [p for p in periods(ledger.minute_s) if ledger.period_s * 1.01 < p <= self.nominal_s]
        if sent - self.shut > ledger.period_s and longer:
            reshape(ledger, now, period_s=min(longer))
        ledger.boundary = sent - ledger.period_s / 2

    def _lower(self, now: float, by: float | None = None) -> None:
        """The guess was too high; this happens once in half a period at most."""
        ledger = self.ledger
        if ledger.ceiling is not None:
            self._allow(ledger.ceiling * (by or (DOWN_BUCKET if ledger.shape == "bucket" else DOWN)))
        self.changed_at = now
        if self.row > 3 and by is None:
            self.state = "looking"
        level_up(ledger, now)

    def _named(self, hint_s: float | None, sent: float, now: float) -> None:
        """Two named ends give the length of windows."""
        if hint_s is None:
            return
        ledger, end, before = self.ledger, sent + hint_s, self.end
        self.end = end
        if self.sure or before is None or end - before < 0.01 * self.nominal_s:
            return
        usual = min(periods(ledger.minute_s), key=lambda p: abs(p - (end - before)))
        if ledger.shape == "fixed" and abs(usual - (end - before)) < 0.05 * usual + ledger.guard_s:
            reshape(ledger, now, period_s=usual)
            set_boundary(ledger, end, now)
            self.state, self.changed_at, self.proven = "sure", now, True

    # Something went through

    def passed(self, sent_at: float, now: float) -> None:
        """A call sent at SENT_AT went through."""
        ledger = self.ledger
        if sent_at <= self.refused_at or ledger.ceiling is None:
            return
        self.row = 0
        if self.state == "looking":
            self._open(sent_at, now)
        elif self.state == "trying" and ledger.avail(now) < min(1.0, ledger.ceiling):
            self.state = "timing"
        elif self.state in ("timing", "placing") or self._looked(sent_at):
            self._timed(sent_at, now)
        elif self.state == "sure" and not self.proven:
            self.proven = sent_at > self.opened + 1.05 * ledger.period_s and ledger.avail(now) < 0.1 * ledger.ceiling
            self.placed = 0 if self.proven else self.placed
        elif ledger.avail(now) < 0.05 * ledger.ceiling + 1:
            self._grow(now)
        self.set_look(now)

    def _grow(self, now: float) -> None:
        """A used-up period without refusal: a little more, but not up to what was refused lately."""
        ledger, since = self.ledger, now - self.changed_at
        patience = 1 if (ledger.ceiling or 0.0) * UP < self.too_much else 10
        if ledger.ceiling is not None and since > patience * ledger.period_s:
            self._allow(ledger.ceiling * UP)
            self.changed_at = now
            level_up(ledger, now)

    def _open(self, sent_at: float, now: float) -> None:
        """The first call after refusals went through: try whether all of it fits again."""
        ledger = self.ledger
        self.changed_at, self.opened = now, sent_at
        if self.end is None and sent_at >= self.began + 0.99 * self.nominal_s:
            reshape(ledger, now, shape="sliding", period_s=self.nominal_s)
            self.state = "sure"
            return
        self._allow(self.went)
        reshape(ledger, now, shape="fixed", period_s=self.nominal_s)
        set_boundary(ledger, sent_at if self.end is None else min(self.end, sent_at), now)
        self.longest_refused_s = max(0.0, self.shut - self.refused_at) if self.shut > 0 else 0.0
        self.state = "trying"

    def _timed(self, sent_at: float, now: float) -> None:
        """A look went through after the window was used up: it had ended by then."""
        ledger = self.ledger
        if sent_at < ledger.look_at and sent_at < self.opened + self.nominal_s:
            return
        if self.state == "placing":
            self._allow(max(ledger.ceiling or 0.0, self.full))
        elif self.state == "sure":
            self.before = (ledger.period_s, ledger.boundary or sent_at)
            reshape(ledger, now, period_s=self.tried_s)
        else:
            length = sent_at - self.opened
            usual = [p for p in periods(ledger.minute_s) if p <= min(length + ledger.guard_s, self.nominal_s)]
            reshape(ledger, now, period_s=max(usual, default=self.nominal_s))
        set_boundary(ledger, sent_at, now)
        self.full = ledger.ceiling or 0.0
        self.proven = ledger.period_s >= self.nominal_s
        if self.state != "sure":
            self.before = None
        self.opened, self.state, self.changed_at = sent_at, "sure", now

    def _next_end(self, now: float) -> float:
        """When the next usual length of a window would be over."""
        if self.end is not None:
            return now  # the refusal says when
        guard = self.ledger.guard_s
        ends = (self.opened + p + guard for p in sorted(periods(self.ledger.minute_s)) if p > self.longest_refused_s)
        return next((end for end in ends if end > now), INFINITE)

    def _shorter(self, now: float) -> float:
        """When a shorter window than the believed one would be over, if one is still possible and this one is used
        up."""
        ledger = self.ledger
        usual = (p for p in periods(ledger.minute_s) if self.longest_refused_s < p < 0.99 * ledger.period_s)
        length = max(usual, default=INFINITE)
        if ledger.boundary is None or length == INFINITE or ledger.avail(now) >= 1:
            return INFINITE
        self.until, self.tried_s = ledger.boundary + ledger.period_s, length
        look_at = ledger.boundary + length + ledger.guard_s
        return look_at if now < look_at < self.until else INFINITE

    def _looked(self, sent_at: float) -> bool:
        """True if the call was sent to see whether windows are shorter than believed."""
        return self.sure and self.ledger.look_at <= sent_at < self.until

    def _spent(self, since: float) -> float:
        return self.ledger.log.since(since - 1e-9)


def begin(ledger: Ledger, cost: float, hint_s: float | None, now: float, sent_at: float | None = None) -> Guess:
    """The first refusal: guess the limit from what went through, and from the wait that was named, if any.

    A wait no longer than one call's refill is a bucket's; else the limit is what a window let through.
    """
    ledger.log.advance(now, ledger.guard_s)
    log, sent = ledger.log, now if sent_at is None else sent_at
    passed = log.window.total
    began = log.entries[log.window.first].at if log.window.first < len(log.entries) else now
    guess = Guess(ledger, now, began, max(1.0, passed), ledger.period_s, changed_at=now)
    bucket = hint_s is not None and passed > 0 and hint_s <= min(0.02, 1.2 * cost / passed) * ledger.period_s
    if hint_s is not None:
        guess.end = sent + hint_s
    if ledger.ceiling is not None and ledger.source == "config":
        guess.stated = ledger.ceiling
    if ledger.cap is None:
        part = 1.0 / (1.0 + (now - began) / ledger.period_s) if bucket else 1.0
        ledger.ceiling, ledger.source = max(1.0, float(int(part * passed))), "guess"
    guess.set_look(now)
    return guess
