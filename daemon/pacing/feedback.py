"""What an attempt's end teaches: an answer, a refusal, silence. Synchronous, no clock.

A refusal is classified first (`daemon.pacing.verdicts`). After a rate refusal the limit itself is held, once for all;
only the refused call is sent again, from its old place. It does not use up attempts, but after several in a row that
outlast the period the provider's own error is better than more waiting.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from daemon.model import Dimension, Finding, Reading, TransportFault, Usage
from daemon.pacing.account import Account
from daemon.pacing.backoff import full_jitter_s, upward_jitter_s
from daemon.pacing.block import Block, blocks
from daemon.pacing.estimate import Estimator
from daemon.pacing.guess import Guess, begin
from daemon.pacing.learning import learn_slices, observe
from daemon.pacing.ledger import Ledger
from daemon.pacing.permit import Permit, Setback, SetbackKind
from daemon.pacing.pool import Pool, period_word
from daemon.pacing.queue import Costs
from daemon.pacing.settings import PacingSettings
from daemon.pacing.shapes import DAY_S
from daemon.pacing.verdicts import Course, course

COUNTS_REFUSED = frozenset({"openai"})
"""Providers whose refused calls count as requests: https://help.openai.com/en/articles/5955604 (unsuccessful requests
contribute)."""
CACHED_IS_FREE = frozenset({"anthropic", "groq", "bedrock"})
"""Providers whose limits do not count input read from the cache (their documentation)."""
NOT_SENT: frozenset[TransportFault] = frozenset({"dns", "refused", "unreachable", "tls", "connect_timeout"})
INFINITE = float("inf")
WINDOW_S = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": DAY_S}


def costs_of(permit_or_estimate: tuple[float, float, float, float]) -> Costs:
    """Costs by dimension from (input, output, images, audio seconds); every call is one request."""
    tokens_in, tokens_out, images, audio = permit_or_estimate
    costs: Costs = {"requests": 1.0}
    if tokens_in + tokens_out > 0:
        costs["tokens"] = tokens_in + tokens_out
        costs["input_tokens"] = tokens_in
        costs["output_tokens"] = tokens_out
    if images:
        costs["images"] = images
    if audio:
        costs["audio_seconds"] = audio
    return costs


class Feedback:
    """Books what happened to attempts into their account and pool."""

    def __init__(self, settings: PacingSettings, estimator: Estimator, rng: random.Random) -> None:
        self.settings = settings
        self.estimator = estimator
        self.rng = rng
        self.guesses: dict[int, Guess] = {}
        """By identity of the ledger."""

    # A 2xx, or any answer that is no refusal

    def answered(
        self,
        account: Account,
        pool: Pool,
        permit: Permit,
        ok: bool,
        readings: Sequence[Reading],
        streamed: bool,
        now: float,
    ) -> None:
        """Status and headers are in."""
        self._heard(pool, permit, refused=not ok)
        if ok:
            permit.tally.rate, permit.tally.refused_at = 0, None
            pool.accepted += 1
            pool.slots.succeeded()
            pool.breaker.note(True, now)
            for day, charge in permit.days:
                day.answered(charge)
            for ledger, charge in permit.charges:
                guess = self.guesses.get(id(ledger))
                if guess is not None and charge.amount:
                    guess.passed(permit.sent_at, now)
            self._unblock(account, pool)
        self.learn(pool, permit, readings, now, early=streamed)
        self._calm(pool)

    def learn(self, pool: Pool, permit: Permit, readings: Sequence[Reading], now: float, *, early: bool) -> None:
        """Book what the headers say."""
        for reading in readings:
            if reading.dimension == "concurrency":
                if reading.limit is not None and reading.limit >= 1:
                    pool.slots.cap(reading.limit * pool.origin.share)
                continue
            ledger = pool.ledger_for(reading)
            charge = next((c for led, c in permit.charges if led is ledger), None)
            if ledger.source == "guess" and reading.limit is not None:
                ledger.ceiling, ledger.source, ledger.look_at = None, "header", INFINITE
                self.guesses.pop(id(ledger), None)
            observe(ledger, reading, charge=charge, seq=permit.seq, sent_at=permit.sent_at, now=now, early=early)
            _tell_shared(pool, ledger, now)

    def _heard(self, pool: Pool, permit: Permit, *, refused: bool) -> None:
        if permit.unanswered:
            permit.unanswered = False
            pool.ramp.answered(refused=refused)

    def _calm(self, pool: Pool) -> None:
        """Careful growth ends when about one whole limit went through without a refusal."""
        requests = [
            x.cap for x in pool.ledgers if x.dimension == "requests" and x.cap is not None and x.period_s < DAY_S
        ]
        least = min(requests, default=64.0)
        pool.ramp.settled = pool.accepted >= max(8.0, min(64.0, 0.9 * least))
        period = pool.origin.minute_s
        pool.ramp.gap_s = min(period / 600.0, period / (8.0 * least)) if requests else period / 600.0

    # A refusal

    def refused(
        self, account: Account, pool: Pool, permit: Permit, finding: Finding, readings: Sequence[Reading], now: float
    ) -> tuple[Setback | None, bool]:
        """Book a refusal. Return the setback, if the call may be sent again, and whether the key or pool is now
        blocked."""
        self._heard(pool, permit, refused=True)
        what = course(finding)
        self._undo(pool, permit)
        self.learn(pool, permit, readings, now, early=True)
        blocked = self._block(account, pool, permit, finding, now)
        if blocked or what == "give_up":
            if not blocked:
                self._unblock(account, pool, only_probe=permit.call.id)
            return None, blocked
        return self._course(what, pool, permit, finding, now), False

    def _course(self, what: Course, pool: Pool, permit: Permit, finding: Finding, now: float) -> Setback | None:
        if what == "overload":
            return self._overload(pool, permit, finding, now)
        pool.refusals.append(now)
        pool.accepted = 0
        pool.ramp.settled = False
        permit.tally.rate += 1
        if permit.tally.refused_at is None:
            permit.tally.refused_at = now
        if what == "concurrency":
            pool.slots.too_many(permit.sent_at, now)
            wait = finding.retry_after_s or full_jitter_s(permit.tally.rate, pool.unit, 8 * pool.unit, self.rng)
            return self._back(pool, permit, "rate", now, wait, "too many calls at the same time", finding)
        if what == "day":
            return self._day(pool, permit, finding, now)
        return self._rate(what, pool, permit, finding, now)

    def _rate(self, what: Course, pool: Pool, permit: Permit, finding: Finding, now: float) -> Setback | None:
        """Hold the limit that refused, for as long as was said; learn what it was."""
        tally = permit.tally
        most = self.settings.bare_tries if what == "bare" else self.settings.rate_tries
        lasted = now - (tally.refused_at if tally.refused_at is not None else now)
        ledger = self._named(pool, finding, now)
        if tally.rate >= most and lasted > 1.25 * min(pool.origin.minute_s, ledger.period_s):
            return None
        cost = next((c.reserved for led, c in permit.charges if led is ledger), 1.0)
        self._message(pool, ledger, permit, finding, now)
        hint = finding.retry_after_s
        fitted = ledger.cap is not None and ledger.avail(now) >= cost
        if fitted and ledger.source != "guess":
            learn_slices(ledger, cost, hint, now)
            _tell_shared(pool, ledger, now)
        if ledger.cap is None or ledger.source == "guess":
            wait = self._unknown_wait(ledger, cost, hint, now)
        elif hint is not None and tally.rate <= 3:
            wait = upward_jitter_s(hint, self.rng)
        elif ledger.limit is not None and not fitted:
            wait = ledger.wait_s(cost, now)
        else:
            wait = self._unknown_wait(ledger, cost, hint, now)
        if wait > self._max_wait(permit) * max(1.0, pool.unit):
            return None
        if hint is not None:
            ledger.hold(now + wait, "the provider said to wait")
        reason = f"the limit of {ledger.dimension.replace('_', ' ')} per {period_word(ledger)} is used up"
        return self._back(pool, permit, "rate", now, wait, reason, finding, ready_at=now)

    def _unknown_wait(self, ledger: Ledger, cost: float, hint: float | None, now: float) -> float:
        """The limit is not known: guess, and look now and then, or when the refusal itself says."""
        guess = self.guesses.get(id(ledger))
        if guess is None:
            guess = self.guesses[id(ledger)] = begin(ledger, cost, hint, now)
        else:
            guess.refused(hint, now)
        wait = upward_jitter_s(hint, self.rng) if hint is not None else guess.next_look_s()
        if hint is None or guess.row > 3:
            wait = max(wait, guess.next_look_s())
        ledger.look_at = now + wait if ledger.look_at < INFINITE else INFINITE
        ledger.hold(now + wait, "refused without a word about the limit: looking again from time to time")
        return wait

    def _day(self, pool: Pool, permit: Permit, finding: Finding, now: float) -> Setback | None:
        """A limit of the calendar is used up: worth waiting for only when it opens soon."""
        named: Dimension = finding.dimension or "requests"
        days = [day for day in pool.days if day.dimension == named] or pool.days
        for day in days[:1]:
            day.refused()
        wait = finding.retry_after_s
        if wait is None:
            wait = min((day.resets_in_s() for day in days[:1]), default=float("inf"))
        if wait > self._max_wait(permit) or permit.tally.rate >= self.settings.rate_tries:
            return None
        if not days:
            pool.hold_until, pool.hold_why = (
                now + upward_jitter_s(wait, self.rng),
                f"{named} per {finding.window or 'day'}",
            )
        elif days and wait < days[0].resets_in_s():
            days[0].shut = False
            pool.hold_until, pool.hold_why = (
                now + upward_jitter_s(wait, self.rng),
                f"{named} per {finding.window or 'day'}",
            )
        return self._back(
            pool, permit, "rate", now, wait, f"the limit of {named} per {finding.window or 'day'} is used up", finding
        )

    def _overload(self, pool: Pool, permit: Permit, finding: Finding, now: float) -> Setback | None:
        """The provider has no capacity: back off, within the budget."""
        permit.tally.overload += 1
        pool.breaker.note(False, now)
        if finding.family == "capacity" and pool.breaker.struggling:
            pool.slots.too_many(permit.sent_at, now)
        pool.batch_hold = max(
            pool.batch_hold, now + 2 * pool.unit * self.settings.backoff_base_s * pool.breaker.refusing
        )
        if permit.tally.overload > self.settings.tries or not pool.budget.spend(now):
            return None
        hint = finding.retry_after_s
        wait = upward_jitter_s(hint, self.rng) if hint is not None else self._jitter(pool, permit.tally.overload)
        if wait > self._max_wait(permit):
            return None
        return self._back(pool, permit, "overload", now, wait, "the provider is overloaded or failed", finding)

    # No answer

    def lost(
        self, account: Account, pool: Pool, permit: Permit, fault: TransportFault, sent: bool, now: float
    ) -> Setback | None:
        """The connection failed."""
        self._heard(pool, permit, refused=True)
        self._unblock(account, pool, only_probe=permit.call.id)
        sent = sent or fault not in NOT_SENT
        if not sent:
            self._undo(pool, permit, all_of_it=True)
        elif not pool.origin.resend_after_reset:
            return None
        permit.tally.network += 1
        if permit.tally.network > self.settings.tries or not pool.budget.spend(now):
            return None
        wait = self._jitter(pool, permit.tally.network)
        return self._back(pool, permit, "network", now, wait, "the connection failed", None)

    def _jitter(self, pool: Pool, failure: int) -> float:
        s = self.settings
        return full_jitter_s(failure, s.backoff_base_s * pool.unit, s.backoff_cap_s * pool.unit, self.rng)

    # The end of a body

    def settle(self, pool: Pool, permit: Permit, usage: Usage | None, now: float) -> None:
        """Correct the charges by what the call really cost."""
        if usage is None:
            return
        call = permit.call
        counted = usage.input - (usage.cached_input if pool.origin.provider in CACHED_IS_FREE else 0)
        costs = costs_of(
            (float(max(0, counted)), float(usage.output), call.estimate.images, call.estimate.audio_seconds)
        )
        for ledger, charge in permit.charges:
            if ledger.dimension in ("tokens", "input_tokens", "output_tokens"):
                ledger.settle(charge, costs.get(ledger.dimension, 0.0), now)
        for day, charge in permit.days:
            day.settle(charge, costs.get(day.dimension, charge.amount))
        if usage.reported:
            self.estimator.learn(call.origin.host, call.model, call.estimate.raw_input, usage.input, usage.output)

    # Inside

    def _undo(self, pool: Pool, permit: Permit, *, all_of_it: bool = False) -> None:
        """What was refused did not count, except as a request where the provider says so."""
        keep = pool.origin.provider in COUNTS_REFUSED and not all_of_it
        for ledger, charge in permit.charges:
            if not (keep and ledger.dimension == "requests"):
                ledger.undo(charge)
        for day, charge in permit.days:
            day.undo(charge)

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

    def _back(
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
        deadline = permit.call.deadline_s
        if deadline is not None and now + wait > permit.arrived + deadline:
            return None
        return Setback(permit, kind, wait, reason, finding, ready_at if ready_at is not None else now + wait)

    def _max_wait(self, permit: Permit) -> float:
        s = self.settings
        return s.max_wait_interactive_s if permit.call.priority == 0 else s.max_wait_s

    def _block(self, account: Account, pool: Pool, permit: Permit, finding: Finding, now: float) -> bool:
        scope = blocks(finding)
        if scope is None:
            return False
        block = Block(finding, now, now + self.settings.block_s)
        if scope == "key":
            account.block = block
        else:
            pool.block = block
        return True

    def _unblock(self, account: Account, pool: Pool, *, only_probe: str | None = None) -> None:
        """A success lifts the block; a probe that failed for another reason only makes room for the next one."""
        if only_probe is None:
            account.block = pool.block = None
            return
        for block in (account.block, pool.block):
            if block is not None and block.probing == only_probe:
                block.probing = None


def _tell_shared(pool: Pool, ledger: Ledger, now: float) -> None:
    """A configured limit of the same kind, shared by several pools, is counted by the provider in the same way."""
    for other in pool.ledgers:
        if (
            other is ledger
            or other.dimension != ledger.dimension
            or abs(other.period_s - ledger.period_s) > 0.01 * ledger.period_s
        ):
            continue
        if (other.shape, other.slices) != (ledger.shape, ledger.slices):
            other.reshape(now, shape=ledger.shape, slices=ledger.slices)
        other.boundary, other.slice_boundary = ledger.boundary, ledger.slice_boundary
        other.refunds, other.scale = ledger.refunds, ledger.scale
