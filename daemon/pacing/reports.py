"""What permits report: each report is booked, learned from, and moves whoever waits. Synchronous."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from daemon.model import Finding, Reading, TransportFault, Usage
from daemon.pacing.account import Account
from daemon.pacing.feedback import Feedback
from daemon.pacing.learning import nearly_whole
from daemon.pacing.lessons import Lessons
from daemon.pacing.permit import Permit, Setback
from daemon.pacing.pool import Pool

LAG_S = 0.005
"""The event loop may be so late without our taking notice."""

AN_ANSWER: Final = {"tokens": 200_000.0, "input_tokens": 200_000.0, "output_tokens": 200_000.0}
"""Of a limit that holds so much one answer leaves something: they have 128,000 tokens at most
(https://platform.claude.com/docs/models/opus-5/overview, max output), and what a prompt takes is counted before."""


class Step(Protocol):
    """Moves an account after something has changed; POOL: the only one that has."""

    def __call__(self, account: Account, now: float, pool: Pool | None = None) -> None: ...


def teaches_little(pool: Pool, now: float) -> bool:
    """True if one more answer changes nothing in when calls may go: some limit is known, and of each that is so much is
    left, as an answer has said a moment ago, that nobody comes near it within the next one."""
    known = [ledger for ledger in pool.ledgers if ledger.cap is not None]
    if not known or pool.days:
        return False
    for ledger in known:
        if not nearly_whole(ledger, now) or (ledger.limit or 0.0) < AN_ANSWER.get(ledger.dimension, 0.0):
            return False
    return True


class Reports:
    """The desk of all permits (see `daemon.pacing.permit.Desk`)."""

    def __init__(
        self,
        feedback: Feedback,
        lessons: Lessons,
        clock: Callable[[], float],
        step: Step,
        turn_away: Callable[[Account, Pool, Finding], None],
    ) -> None:
        """TURN_AWAY: tells those that wait for a key or a model that a person must act first."""
        self._feedback = feedback
        self._lessons = lessons
        self._now = clock
        self._step = step
        self._turn_away = turn_away

    def left(self, permit: Permit) -> None:
        """When the loop was busy, with a hundred calls that came at once, or a connection had to be made, the call went
        later than it was let in: its charges are dated by that."""
        now = self._now()
        if now > permit.sent_at + LAG_S and permit.unanswered and not permit.released:
            permit.sent_at = now
            for ledger, charge in permit.charges:
                if not charge.gone:
                    ledger.log.postpone(charge, now)

    def quiet(self, permit: Permit) -> bool:
        account, pool = permit.place
        now = self._now()
        return account.block_of(pool) is None and account.quiet(pool, now) and teaches_little(pool, now)

    def answered(self, permit: Permit, status: int, readings: Sequence[Reading], *, streamed: bool, sure: bool) -> None:
        if not 200 <= status < 400:
            return  # `refused` follows, and knows what it means: nothing may move before that
        account, pool = permit.place
        now = self._now()
        if sure:
            self._feedback.answered(account, pool, permit, readings, streamed, now)
        else:
            self._feedback.heard(pool, permit, readings, streamed, now)
        self._lessons.note(pool, now)
        self._step(account, now, pool)

    def refused(self, permit: Permit, finding: Finding, readings: Sequence[Reading]) -> Setback | None:
        account, pool = permit.place
        now = self._now()
        setback, blocked = self._feedback.refused(account, pool, permit, finding, readings, now)
        self._lessons.note(pool, now)
        if blocked:
            self._turn_away(account, pool, finding)
        self._step(account, now, pool)
        return setback

    def lost(self, permit: Permit, fault: TransportFault, sent: bool) -> Setback | None:
        account, pool = permit.place
        now = self._now()
        setback = self._feedback.lost(account, pool, permit, fault, sent, now)
        self._step(account, now, pool)
        return setback

    def settle(self, permit: Permit, usage: Usage | None) -> None:
        if usage is None:
            return  # nothing changes, so nobody may go
        account, pool = permit.place
        now = self._now()
        self._feedback.settle(pool, permit, usage, now)
        self._step(account, now, pool)

    def release(self, permit: Permit) -> None:
        account, pool = permit.place
        if permit.unanswered:
            permit.unanswered = False
            pool.ramp.answered()
        for _, charge in permit.charges:
            charge.ended = True
        for day, spent in permit.days:
            day.ended(spent)
        now = self._now()
        for slots in pool.all_slots:
            slots.give(permit.seq, now, whole=permit.settled)
        pool.in_flight = max(0, pool.in_flight - 1)
        pool.outage.left(permit.call.id)
        for block in (account.block, pool.block):
            if block is not None and block.probing == permit.call.id:
                block.probing = None
        self._step(account, now, pool)
