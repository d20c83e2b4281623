"""What an attempt's end teaches: an answer, a refusal, silence. Synchronous, no clock.

A refusal is classified first (`daemon.pacing.verdicts`), then `daemon.pacing.refusals` says how to go on.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from daemon.model import Call, Finding, Reading, TransportFault, Usage
from daemon.pacing.account import Account
from daemon.pacing.block import Block, blocks
from daemon.pacing.costs import costs_of, costs_of_call
from daemon.pacing.estimate import AS_PRODUCED, TELLING, Estimator, is_guessed
from daemon.pacing.learning import observe, tell_shared
from daemon.pacing.looks import passed_look
from daemon.pacing.permit import Permit, Setback
from daemon.pacing.pool import Pool
from daemon.pacing.queue import Entry
from daemon.pacing.refusals import Refusals
from daemon.pacing.settings import PacingSettings
from daemon.pacing.slots import MOST
from daemon.pacing.verdicts import course
from daemon.phrases import phrase

COUNTS_REFUSED = frozenset({"openai"})
"""Providers whose refused calls count as requests: https://help.openai.com/en/articles/5955604 (unsuccessful requests
contribute)."""
CACHED_IS_FREE = frozenset({"anthropic", "groq", "bedrock"})
"""Providers whose limits do not count input read from the cache (their documentation)."""
INFINITE = float("inf")
WRONG_PLACE = frozenset({"dns", "tls"})
"""Faults of an address rather than of a server that is away: nobody else waits for it to come right."""
LAST_LOOK_S = 0.1
"""So long before its deadline a call looks for the last time whether there is a network."""


def entry_of(call: Call, setback: Setback | None, now: float, since: float | None = None) -> Entry:
    """CALL as it lines up; after a SETBACK, from the same place. SINCE: when it arrived, where it has stood in another
    line before this one; its deadline counts from then."""
    entry = Entry(call, costs_of_call(call), now, call.priority)
    if setback is not None:
        entry.setback, entry.ready_at = setback, setback.ready_at
        entry.arrived, entry.tag = setback.permit.arrived, setback.permit.tag
        if setback.permit.rose_to is not None:
            entry.priority, entry.rose = min(entry.priority, setback.permit.rose_to), True
        entry.held = setback.reason if setback.kind == "network" else ""
    if call.deadline_s is not None:
        entry.deadline = (entry.arrived if since is None else since) + call.deadline_s
    return entry


class Feedback:
    """Books what happened to attempts into their account and pool."""

    def __init__(
        self,
        settings: PacingSettings,
        estimator: Estimator,
        rng: random.Random,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """WALL: Unix time, for limits of the calendar."""
        self.settings = settings
        self.estimator = estimator
        self.refusals = Refusals(settings, rng, wall)

    # An answer

    def answered(
        self, account: Account, pool: Pool, permit: Permit, readings: Sequence[Reading], streamed: bool, now: float
    ) -> None:
        """A success: status and headers are in."""
        self._heard(pool, permit)
        permit.tally.rate, permit.tally.refused_at, permit.tally.offline = 0, None, 0
        pool.accepted += 1
        pool.passed_at = now
        pool.slots.succeeded(now - permit.sent_at)
        pool.breaker.note(True, now)
        pool.outage.passed(permit.sent_at)
        for day, charge in permit.days:
            day.answered(charge)
        for ledger, charge in permit.charges:
            passed_look(ledger, permit.seq)
            guess = pool.guess_of(ledger)
            if guess is not None and charge.amount:
                guess.passed(permit.sent_at, now)
                pool.ramp.wary = not guess.sure
        self._unblock(account, pool, now)
        self.learn(pool, permit, readings, now, early=streamed, passed=True)
        self._calm(pool, now)

    def heard(self, pool: Pool, permit: Permit, readings: Sequence[Reading], streamed: bool, now: float) -> None:
        """Status and headers are in, and promise a success; but an error may hide behind them."""
        self._heard(pool, permit)
        self.learn(pool, permit, readings, now, early=streamed, passed=True)

    def learn(
        self, pool: Pool, permit: Permit, readings: Sequence[Reading], now: float, *, early: bool, passed: bool = False
    ) -> None:
        """Book what the headers say. PASSED: of a success."""
        for reading in readings:
            if reading.dimension == "concurrency":
                if reading.limit is not None and reading.limit >= 1:
                    pool.slots.cap(reading.limit * pool.origin.share)
                continue
            ledger = pool.ledger_for(reading)
            charge = permit.charge_of(ledger)
            if ledger.source == "guess" and reading.limit is not None:
                ledger.ceiling, ledger.source, ledger.look_at = None, "header", INFINITE
                pool.limits_with(ledger).guesses.pop(ledger, None)
            observe(
                ledger, reading, charge=charge, seq=permit.seq, sent_at=permit.sent_at, now=now, early=early,
                passed=passed,
            )  # fmt: skip
            tell_shared(pool.ledgers, ledger, now)
            if reading.dimension == "requests" and min(reading.limit or 0.0, MOST) > pool.slots.top:
                pool.slots.expect(pool.a_minute())

    def _heard(self, pool: Pool, permit: Permit) -> None:
        if permit.unanswered:
            permit.unanswered = False
            pool.ramp.answered()

    def _calm(self, pool: Pool, now: float) -> None:
        """Careful growth ends when about one whole limit went through without a refusal."""
        pool.ramp.crowded = pool.crowded(now)
        if pool.ramp.settled:
            return
        least = pool.least_requests()
        pool.ramp.settled = pool.accepted >= max(8.0, min(64.0, 0.9 * least))
        pool.ramp.gap_s = pool.first_gap_s(now)
        pool.slots.expect(pool.a_minute())  # also where the limit is guessed

    # A refusal

    def refused(
        self, account: Account, pool: Pool, permit: Permit, finding: Finding, readings: Sequence[Reading], now: float
    ) -> tuple[Setback | None, bool]:
        """Book a refusal. Return the setback, if the call may be sent again, and whether the key or pool is now
        blocked."""
        self._heard(pool, permit)
        permit.tally.offline = 0
        what = course(finding)
        if what != "overload":
            pool.outage.passed(permit.sent_at)
        self._undo(pool, permit, counted=what == "overload" and finding.status != 429)
        if what == "day":  # what is said there without a period is said of the day
            readings = [reading for reading in readings if reading.period_s is not None]
        self.learn(pool, permit, readings, now, early=True)
        blocked = self._block(account, pool, permit, finding, now)
        if blocked or what == "give_up":
            if not blocked:
                self._unblock(account, pool, now, only_probe=permit.call.id)
            return None, blocked
        return self.refusals.course_of(what, pool, permit, finding, now), False

    # No answer

    def lost(
        self, account: Account, pool: Pool, permit: Permit, fault: TransportFault, sent: bool, now: float
    ) -> Setback | None:
        """The connection failed."""
        self._heard(pool, permit)
        self._unblock(account, pool, now, only_probe=permit.call.id)
        if not sent:
            self._undo(pool, permit, all_of_it=True)
        if fault == "offline" and (not sent or pool.origin.resend_after_reset):
            return self._offline(pool, permit, now)
        if (not sent and fault not in WRONG_PLACE) or pool.outage.since is not None:
            self.refusals.away(pool, permit, None, now)
        if sent and not pool.origin.resend_after_reset:
            return None
        permit.tally.offline = 0
        permit.tally.network += 1
        return self.refusals.again(pool, permit, "network", permit.tally.network, None, now, unsent=not sent)

    def _offline(self, pool: Pool, permit: Permit, now: float) -> Setback | None:
        """There is no network, so nothing was tried and nothing is counted: the call looks again from time to time, as
        long as it may wait for a limit."""
        tally = permit.tally
        if not tally.offline:
            tally.offline_at = now
        tally.offline += 1
        ends = min(tally.offline_at + self.refusals.max_wait_s(permit), permit.deadline - LAST_LOOK_S)
        left = ends - now
        if left <= 0:
            return None
        wait, reason = self.refusals.jitter_s(pool, tally.offline), phrase("held.offline", host=pool.scope.host)
        return self.refusals.back(pool, permit, "network", now, min(wait, left), reason, None)

    # The end of a body

    def settle(self, pool: Pool, permit: Permit, usage: Usage | None, now: float) -> None:
        """Correct the charges by what the call really cost."""
        if usage is None:
            return
        call = permit.call
        counted = usage.input - (usage.cached_input if pool.origin.provider in CACHED_IS_FREE else 0)
        audio = usage.audio_seconds or call.estimate.audio_seconds
        provider = pool.origin.provider
        costs = costs_of((float(max(0, counted)), float(usage.output), call.estimate.images, audio), provider)
        guessed = is_guessed(call.ask, provider)
        held = costs
        if guessed and provider not in AS_PRODUCED:  # what was charged for the prompt at the door stays charged
            prompt = max(float(counted), call.estimate.input)
            held = costs_of((prompt, float(usage.output), call.estimate.images, audio), provider)
        for ledger, charge in permit.charges:
            if ledger.dimension in ("tokens", "input_tokens", "output_tokens", "audio_seconds"):
                ledger.settle(charge, held.get(ledger.dimension, 0.0), now, guessed=guessed)
        for day, charge in permit.days:
            day.settle(charge, costs.get(day.dimension, charge.amount))
        if usage.reported and usage.total:
            self.estimator.learn(call.origin.host, call.model, call.estimate.raw_input, usage.input, usage.output)
            if guessed:
                self._know_output(pool, call, now)

    def _know_output(self, pool: Pool, call: Call, now: float) -> None:
        """What answers have shown of their length counts for calls that wait, too."""
        known = self.estimator.of(call.origin.host, call.model)
        if len(known.outputs) >= TELLING and pool.outputs.of(call.model) is not known:
            pool.know_output(call.model, known)
            if len(known.outputs) == TELLING:
                pool.begin_scales(now)

    # Inside

    def _undo(self, pool: Pool, permit: Permit, *, all_of_it: bool = False, counted: bool = False) -> None:
        """What was refused did not count, except as a request where the provider says so. COUNTED: it was let in and
        failed behind the door (500, 503), so the limits of the minute have counted it; of a day, the provider knows."""
        keep = pool.origin.provider in COUNTS_REFUSED and not all_of_it
        for ledger, charge in permit.charges:
            if not counted and not (keep and ledger.dimension == "requests"):
                ledger.undo(charge)
        for day, charge in permit.days:
            day.undo(charge)

    def _block(self, account: Account, pool: Pool, permit: Permit, finding: Finding, now: float) -> bool:
        scope = blocks(finding)
        if scope is None:
            return False
        stated = (finding.retry_after_s or 0.0) if scope == "host" else 0.0
        block = Block(finding, now, now + max(self.settings.block_s, stated))
        if scope == "pool":
            pool.block = block
        else:  # other keys of a host that is shut find it out themselves, with one call each
            account.block = block
        return True

    def _unblock(self, account: Account, pool: Pool, now: float, *, only_probe: str | None = None) -> None:
        """A success lifts the block; a probe that failed for another reason only makes room for the next one."""
        if only_probe is None:
            if account.block is not None:
                account.wake = now  # those of all models may try again
            account.block = pool.block = None
            return
        for block in (account.block, pool.block):
            if block is not None and block.probing == only_probe:
                block.probing = None
