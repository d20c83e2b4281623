"""A refusal that is worth another try: how long to wait, and what to learn from it. Synchronous, no clock.

After a rate refusal the limit itself is held, once for all; only the refused call is sent again, from its old place.
It does not use up attempts, but after several in a row that outlast the period the provider's own error is better than
more waiting.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from daemon.daybreak import resets_in_s, zone_of
from daemon.model import Dimension, Finding, Priority, Reading
from daemon.pacing.backoff import full_jitter_s, upward_jitter_s
from daemon.pacing.checks import patience_of
from daemon.pacing.costs import costs_of_call
from daemon.pacing.days import ROLLING, DayCount
from daemon.pacing.guess import begin
from daemon.pacing.learning import observe, set_boundary, tell_shared
from daemon.pacing.ledger import Ledger
from daemon.pacing.looks import hold_long
from daemon.pacing.others import crowded
from daemon.pacing.permit import Permit, Setback, SetbackKind
from daemon.pacing.pool import Pool, period_word
from daemon.pacing.reasons import refused_by
from daemon.pacing.reshaping import reshape
from daemon.pacing.settings import PacingSettings, patience
from daemon.pacing.shapes import DAY_S
from daemon.pacing.slices import learn_slices, overhang
from daemon.pacing.verdicts import Course
from daemon.phrases import phrase

INFINITE = float("inf")
AWAY_STATUS = frozenset({502, 503, 504, 529})
"""Answers of a provider, or of what stands before it, that has no capacity for any call. (500 may be about the one.)"""
BEHIND = 8
"""So many calls may look in the next pauses of an outage before the one that has looked in vain."""
LONG_S = {"day": DAY_S, "week": 7 * DAY_S, "month": 30 * DAY_S}
"""The windows of the calendar."""
WINDOW_S = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": DAY_S}


class Refusals:
    """Turns refusals into setbacks."""

    def __init__(self, settings: PacingSettings, rng: random.Random, wall: Callable[[], float] = time.time) -> None:
        """WALL: Unix time, for limits of the calendar."""
        self.settings = settings
        self.rng = rng
        self.wall = wall

    def course_of(self, what: Course, pool: Pool, permit: Permit, finding: Finding, now: float) -> Setback | None:
        if what == "overload":
            return self._overload(pool, permit, finding, now)
        pool.refusals.append(now)
        pool.accepted = 0
        pool.ramp.settled = False
        permit.tally.rate += 1
        if permit.tally.refused_at is None:
            permit.tally.refused_at = now
        if what == "concurrency":
            return self._concurrency(pool, permit, finding, now)
        if what == "day":
            return self._day(pool, permit, finding, now)
        return self._rate(what, pool, permit, finding, now)

    def _rate(self, what: Course, pool: Pool, permit: Permit, finding: Finding, now: float) -> Setback | None:
        """Hold the limit that refused, for as long as was said; learn what it was."""
        tally = permit.tally
        most = self.settings.bare_tries if what == "bare" else self.settings.rate_tries
        lasted = now - (tally.refused_at if tally.refused_at is not None else now)
        ledger = self._named(pool, finding, now)
        ledger.zeros = 0
        hopeless = pool.passed_at <= now - lasted  # nobody else's call came through either
        if hopeless and tally.rate >= most and lasted > 1.25 * min(pool.origin.minute_s, ledger.period_s):
            return None
        cost = next((c.reserved for led, c in permit.charges if led is ledger), 1.0)
        hint = finding.retry_after_s
        self._message(pool, ledger, permit, finding, now)
        if hint is not None and hint > self._longest_s(pool):
            self._hold(pool, ledger, permit, hint, now)  # no limit of a minute says so: nothing else is learned
            return None
        fitted = self._contradicted(pool, ledger, permit, cost, hint, now)
        wait = self._wait_s(pool, ledger, permit, cost, hint, now, fitted=fitted)
        late = wait > self._patience_s(pool, permit)
        if hint is not None:  # who is told when to come again must not find it shut then, by a longer sum of ours
            self._hold(pool, ledger, permit, min(wait, hint) if late else wait, now)
        if late:
            return None
        ready_at = now
        if hopeless and hint is not None and tally.rate >= most - 1:
            # Told wrong that often: once more, after a whole period.
            ready_at = max(now, now + 1.26 * min(pool.origin.minute_s, ledger.period_s) - lasted)
        if not any(led is ledger and charge.reserved > 0 for led, charge in permit.charges):
            ready_at = max(ready_at, now + wait)  # by our count it takes nothing of this limit, so its hold lets it go
        wait = max(wait, ready_at - now)
        reason = refused_by(ledger.dimension, period_word(ledger))
        return self.back(pool, permit, "rate", now, wait, reason, finding, ready_at=ready_at)

    def _contradicted(
        self, pool: Pool, ledger: Ledger, permit: Permit, cost: float, hint: float | None, now: float
    ) -> bool:
        """The refusal contradicts something: learn what. Return whether the call should have fitted."""
        if hint is not None:
            _see_shape(ledger, cost, hint, permit.sent_at, now)
        if ledger.other_rate > 0 and ledger.slices == 1:
            ledger.caution = min(ledger.caution + cost, 0.1 * (ledger.limit or 0.0))
        fitted = ledger.cap is not None and ledger.avail(now) >= cost
        if overhang(ledger, permit.sent_at) > 0 and not ledger.carries:
            ledger.carries = True
        elif fitted and ledger.source != "guess":
            learn_slices(ledger, cost, hint, now, permit.sent_at, surely=_said_to_fit(ledger, cost, permit))
            tell_shared(pool.ledgers, ledger, now)
        if ledger.limit is not None and ledger.slices == 1 and ledger.own(ledger.limit, now) >= cost:
            ledger.met_others_at = now
        return fitted

    def _wait_s(
        self, pool: Pool, ledger: Ledger, permit: Permit, cost: float, hint: float | None, now: float, *, fitted: bool
    ) -> float:
        """How long the limit is held: as was said, else until the ledger has room, else by growing pauses."""
        row = permit.tally.rate
        told = hint is not None and row <= 3
        if ledger.cap is None or ledger.source == "guess" or (ledger.limit is None and not told):
            return self._unknown_wait(pool, ledger, permit, cost, hint, now)
        if hint is not None and told:
            wait = upward_jitter_s(hint, self.rng)
            if crowded(ledger, now):  # who comes in the first instant finds the other one there
                wait = max(wait, _own_exit_s(ledger, cost, now)) + 0.02 * ledger.period_s
                pool.ramp.crowded = True
            ledger.told_at = now + wait
            return wait
        if not fitted:
            return ledger.wait_s(cost, now)
        wait = max(hint or 0.0, min(ledger.period_s / 4, ledger.period_s / 30 * 2.0 ** min(9, row - 1)))
        ledger.hold(now + wait)
        return wait

    def _concurrency(self, pool: Pool, permit: Permit, finding: Finding, now: float) -> Setback | None:
        """Too many at once: fewer from now on. While others come through, so will this one; but not for ever."""
        pool.slots.too_many(permit.sent_at, now)
        wait = finding.retry_after_s or full_jitter_s(permit.tally.rate, pool.unit, 8 * pool.unit, self.rng)
        lasted = now - (permit.tally.refused_at if permit.tally.refused_at is not None else now)
        if pool.passed_at <= now - lasted and lasted + wait > self._patience_s(pool, permit):
            return None
        return self.back(pool, permit, "rate", now, wait, phrase("held.concurrency"), finding)

    def _unknown_wait(
        self, pool: Pool, ledger: Ledger, permit: Permit, cost: float, hint: float | None, now: float
    ) -> float:
        """The limit is not known: guess, and look now and then, or when the refusal itself says."""
        guess = pool.guess_of(ledger)
        if guess is None:
            guess = begin(ledger, cost, hint, now, permit.sent_at)
            pool.limits_with(ledger).guesses[ledger] = guess
        else:
            guess.refused(hint, now, permit.sent_at)
        pool.ramp.wary = not guess.sure
        pool.ramp.trip_s = min(max(0.9 * pool.ramp.trip_s, 1.2 * (now - permit.sent_at)), pool.origin.minute_s / 150)
        wait = upward_jitter_s(hint, self.rng) if hint is not None else guess.next_look_s()
        if guess.state == "timing" and hint is None:
            wait = max(0.0, min(ledger.look_at, ledger.wait_s(cost, now) + now) - now)
            wait = max(wait, guess.next_look_s()) if guess.row > 5 else wait
        elif hint is None or guess.row > 3:
            wait = max(wait, guess.next_look_s())
        ledger.hold(now + wait)
        return wait

    def _day(self, pool: Pool, permit: Permit, finding: Finding, now: float) -> Setback | None:
        """A limit of the calendar is used up: worth waiting for only when it opens soon. Who comes later need not find
        it out again: the counter of that limit is shut, or else the limit held until it opens."""
        named, window = finding.dimension or "requests", finding.window or "day"
        day, wait = _counter(pool, finding, named, window), finding.true_wait_s
        if day is not None and (wait is None or not (day.rolls or wait < day.resets_in_s())):
            day.refused()
            wait = day.resets_in_s()
        else:
            wait = upward_jitter_s(self._resets_in_s(pool, finding, window) if wait is None else wait, self.rng)
            ledger = pool.ledger_for(Reading(named, period_s=LONG_S[window]))
            self._hold(pool, ledger, permit, wait, now)
        if wait > self.max_wait_s(permit) or permit.tally.rate >= self.settings.rate_tries:
            return None
        return self.back(pool, permit, "rate", now, wait, refused_by(named, window), finding)

    def _resets_in_s(self, pool: Pool, finding: Finding, window: str) -> float:
        """The seconds until a limit of the calendar opens of which no wait is named: its instant is, or it is known how
        the provider counts."""
        provider = pool.origin.provider
        if finding.reset_at is not None and finding.retry_after_s is None:
            return max(0.0, finding.reset_at - self.wall())
        if window == "day" and provider in ROLLING and finding.limit:
            return DAY_S / finding.limit
        return resets_in_s("month" if window == "month" else "day", self.wall(), zone_of(provider))

    def _overload(self, pool: Pool, permit: Permit, finding: Finding, now: float) -> Setback | None:
        """The provider has no capacity: back off, within the budget."""
        permit.tally.overload += 1
        pool.breaker.note(False, now)
        if finding.family == "capacity" and pool.breaker.struggling:
            pool.slots.too_many(permit.sent_at, now, passing=True)
        pool.batch_hold = max(
            pool.batch_hold, now + 2 * pool.unit * self.settings.backoff_base_s * pool.breaker.refusing
        )
        if finding.family == "capacity" or finding.status in AWAY_STATUS or pool.outage.since is not None:
            self.away(pool, permit, finding.retry_after_s, now)
        return self.again(pool, permit, "overload", permit.tally.overload, finding, now)

    def away(self, pool: Pool, permit: Permit, named_s: float | None, now: float) -> None:
        """The provider did not let the call in, or could not be reached: a few of these in a row hold the pool."""
        named_s = None if named_s is None else upward_jitter_s(named_s, self.rng)
        pool.outage.failed(permit.call.id, permit.sent_at, named_s, now, self.rng)

    def again(
        self, pool: Pool, permit: Permit, kind: SetbackKind, failure: int, finding: Finding | None, now: float, *,
        unsent: bool = False,
    ) -> Setback | None:  # fmt: skip
        """After FAILURE number so much of the call, for want of capacity or a connection: the next try, within the
        budget. The first of an UNSENT call is always made: nobody has had work with it."""
        hint = finding.retry_after_s if finding is not None else None
        wait = upward_jitter_s(hint, self.rng) if hint is not None else self.jitter_s(pool, failure)
        if failure >= self.settings.tries or pool.budget.share <= 0 or wait > self.max_wait_s(permit):
            return None
        reason = phrase("held.network" if kind == "network" else "held.overload")
        if pool.outage.since is not None:
            return self._looks_again(pool, permit, kind, wait, reason, finding, now)
        if not (unsent and failure == 1) and not pool.budget.spend(now, pool.breaker.seen):
            return None
        return self.back(pool, permit, kind, now, wait, reason, finding)

    def _looks_again(
        self, pool: Pool, permit: Permit, kind: SetbackKind, wait: float, reason: str, finding: Finding | None,
        now: float,
    ) -> Setback | None:  # fmt: skip
        """During an outage its pauses are the budget. The next looks are made by others, so that none uses up its
        tries; a person's call takes each of its own."""
        urgent = permit.call.priority == Priority.INTERACTIVE
        most = self._patience_s(pool, permit)
        if now - max(pool.outage.since or now, permit.arrived) > most:
            return None
        if permit.tag is not None and not urgent:
            permit.tag += BEHIND * pool.share_of(costs_of_call(permit.call))
        opens_s = pool.outage.wait_s(permit.call.priority, most, now)
        ready_at = now + wait if urgent else now
        return self.back(pool, permit, kind, now, max(opens_s, ready_at - now), reason, finding, ready_at=ready_at)

    def jitter_s(self, pool: Pool, failure: int) -> float:
        s = self.settings
        return full_jitter_s(failure, s.backoff_base_s * pool.unit, s.backoff_cap_s * pool.unit, self.rng)

    def _named(self, pool: Pool, finding: Finding, now: float) -> Ledger:
        """The ledger that refused: the named one, else the one with the least left."""
        ledgers = [x for x in pool.ledgers if x.dimension == finding.dimension] if finding.dimension else []
        period = pool.scaled(WINDOW_S.get(finding.window or "", 0.0) or None)
        if finding.dimension and not ledgers:
            return pool.ledger_for(Reading(finding.dimension, period_s=WINDOW_S.get(finding.window or "")))
        stated = [x for x in ledgers if period is not None and abs(x.period_s - period) < 0.01 * period]
        known = [x for x in (stated or ledgers or pool.ledgers) if x.cap is not None]
        if not known:
            return (stated or ledgers or [pool.own.ledgers[("requests", None)]])[0]
        return min(known, key=lambda x: x.avail(now) / (x.cap or 1.0))

    def _message(self, pool: Pool, ledger: Ledger, permit: Permit, finding: Finding, now: float) -> None:
        """The refusal's own figures: the limit, what of it is used, and how large it took our call to be."""
        if finding.limit is None or finding.dimension != ledger.dimension:
            return
        charge = next((c for led, c in permit.charges if led is ledger), None)
        left = max(0.0, finding.limit - finding.used) if finding.used is not None else None
        reading = Reading(ledger.dimension, finding.limit, left)
        observe(ledger, reading, charge=charge, seq=permit.seq, sent_at=permit.sent_at, now=now, early=True)
        if finding.requested and charge is not None and charge.reserved > 0 and ledger.dimension != "requests":
            seen = finding.requested / charge.reserved * ledger.scale
            ledger.scale += 0.5 * (min(2.5, max(0.4, seen)) - ledger.scale)

    def back(
        self,
        pool: Pool,
        permit: Permit,
        kind: SetbackKind,
        now: float,
        wait: float,
        reason: str,
        finding: Finding | None,
        *,
        ready_at: float | None = None,
    ) -> Setback | None:
        """The setback, unless the call's deadline comes first."""
        if now + wait > permit.deadline:
            return None
        return Setback(permit, kind, wait, reason, finding, ready_at if ready_at is not None else now + wait)

    def _hold(self, pool: Pool, ledger: Ledger, permit: Permit, wait: float, now: float) -> None:
        """The provider said to wait: so do all."""
        hold_long(ledger, now + wait, self._longest_s(pool), now, permit.seq)

    def _longest_s(self, pool: Pool) -> float:
        """How long a call may wait for a limit that waits longest."""
        return patience_of(self.settings, pool, Priority.NORMAL)[0]

    def _patience_s(self, pool: Pool, permit: Permit) -> float:
        """How long the call may wait for a limit."""
        return patience_of(self.settings, pool, permit.call.priority)[0]

    def max_wait_s(self, permit: Permit) -> float:
        """How long the call may wait where the length of the provider's minute does not matter."""
        return patience(self.settings, permit.call.priority)[0]


def _counter(pool: Pool, finding: Finding, named: Dimension, window: str) -> DayCount | None:
    """The user's own counter of the limit that refused. One that all models share is meant only if it is as large as
    the refusal says, where it says so."""
    for days, sure in ((pool.own.days, True), (pool.shared.days, False)):
        for day in days:
            fits = sure or finding.limit is None or abs(finding.limit - day.amount) <= 0.01 * day.amount
            if day.dimension == named and day.period == window and fits:
                return day
    return None


def _own_exit_s(ledger: Ledger, cost: float, now: float) -> float:
    """In a moving window others take back at once what their own calls leave free. Return the seconds until ours, if
    most of it is ours, have left it in the amount of COST and of what others have waited for meanwhile."""
    ours = ledger.log.window.total >= 0.5 * (ledger.limit or INFINITE)
    if ledger.shape in ("bucket", "fixed") or ledger.slices > 1 or not ours:
        return 0.0
    exit_at = ledger.log.exit_of(cost + ledger.foreign, ledger.log.window, ledger.guard_s)
    return min(exit_at - now, ledger.period_s) if exit_at < INFINITE else 0.0


def _see_shape(ledger: Ledger, cost: float, hint_s: float, sent_at: float, now: float) -> None:
    """Without headers the wait that was named tells how the provider counts, when we alone have used up the limit.

    As short as a bucket takes to refill for one call: a bucket. Else, shorter than until our oldest call leaves a
    moving window: a fixed one, which ends then. A refusal in the middle of such a window unlearns it.
    """
    if ledger.limit is None or ledger.slices > 1 or any(sample.reset_s is not None for sample in ledger.samples):
        return
    room = ledger.own(ledger.limit, now) >= cost
    if ledger.shape == "fixed" and room:
        reshape(ledger, now, shape="unknown")
    opens_s = ledger.log.exit_of(cost, ledger.log.window, ledger.guard_s) - now
    if ledger.shape != "unknown" or room or opens_s == INFINITE or opens_s < 4 * ledger.guard_s:
        return
    grain = 1.0 if float(hint_s).is_integer() else 0.0  # whole seconds are rounded up
    if hint_s - grain <= 1.2 * cost / ledger.rate + 1e-3 and hint_s <= 0.25 * opens_s:
        reshape(ledger, now, shape="bucket")
    elif hint_s < opens_s - max(2 * ledger.guard_s, 0.02 * ledger.period_s) and grain <= 0.03 * ledger.period_s:
        reshape(ledger, now, shape="fixed")
        set_boundary(ledger, sent_at + hint_s, now)


def _said_to_fit(ledger: Ledger, cost: float, permit: Permit) -> bool:
    """The refusal's own headers leave plenty: it is not this limit's whole period that is used up, by whomever."""
    a = ledger.anchor
    return a is not None and a.seq == permit.seq and a.remaining >= cost + 0.1 * (ledger.limit or 0.0)
