"""The one loop: wait for a permit, send, and send again or give the answer.

All waiting is in the pacer, all words are in the catalogue, all network is in `upstream`; this file only says what
follows from what. Something is sent again only while the client has got nothing. Calls that share an answer or a
request with others come here by way of `shared` and `batches`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from daemon.cache import AnswerCache
from daemon.errors import Cancelled, DeadlineExceeded, Refusal, TooLarge
from daemon.explain import Catalogue
from daemon.fallback import Fallback
from daemon.gateway.allowance import Allowance
from daemon.gateway.answers import explained
from daemon.gateway.attempts import Attempts
from daemon.gateway.batches import Batches
from daemon.gateway.delivery import Delivery
from daemon.gateway.elsewhere import Elsewhere
from daemon.gateway.inspect import too_large
from daemon.gateway.intake import ExplainMode, Incoming, Intake
from daemon.gateway.kept import Kept
from daemon.gateway.keyring import Keyring
from daemon.gateway.moving import Mover
from daemon.gateway.outcome import NoLuck, Trip, ours, question_of
from daemon.gateway.sender import Leaves
from daemon.gateway.shared import Shared
from daemon.gateway.spare import Spare
from daemon.gateway.telling import Reader, Sink, Teller
from daemon.gateway.under_way import Stop, UnderWay, as_asked, unread
from daemon.gateway.wishes import NO_RULES, Rules
from daemon.model import (
    Call,
    Event,
    EventKind,
    Failure,
    Finding,
    Headers,
    Origin,
    Priority,
    Reply,
    mark,
)
from daemon.pacing import Blocked, Pacer, Permit, Setback
from daemon.phrases import phrase
from daemon.redact import Redactor
from daemon.upstream import Upstream


class Gateway:
    """Sends calls. Everything it uses is handed to it."""

    def __init__(
        self,
        *,
        origin_of: Callable[[str], Origin | None],
        pacer: Pacer,
        catalogue: Catalogue,
        upstream: Upstream,
        redactor: Redactor,
        sinks: Iterable[Sink] = (),
        readers: Iterable[Reader] = (),
        spare_s: float = 0.0,
        language: str = "en",
        explain: ExplainMode = "inline",
        allowance: Allowance | None = None,
        wall: Callable[[], float] = time.time,
        rules: Rules = NO_RULES,
        cache: AnswerCache | None = None,
        fallback: tuple[Fallback, ...] = (),
        key_of: Callable[[str], str | None] = lambda variable: None,
        chosen_from: Iterable[Origin] = (),
    ) -> None:
        """SINKS are told of each event when it happens, READERS within SPARE_S seconds; so long may also wait what an
        ended call leaves to be settled. ALLOWANCE: the person's own budgets, if there are any. KEY_OF: the value of an
        environment variable. CHOSEN_FROM: origins with several keys or endpoints that are known from the start.
        """
        self._intake = Intake(origin_of, pacer.weigh, redactor, language, explain, wall, rules)
        self._pacer = pacer
        self._allowance = allowance
        self._wall = wall
        self._spare = spare = Spare(spare_s)
        self._tell = tell = Teller(
            catalogue, redactor, sinks, language, wall, pacer.with_room, readers=readers, spare=spare
        )
        self._under_way = under_way = UnderWay(tell.emit)
        # With budgets the next call must know what this one has cost.
        ends = spare if allowance is None else Spare()
        delivery = Delivery(catalogue, tell, under_way, pacer.weigh, wall, ends)
        self._attempts = attempts = Attempts(pacer, catalogue, upstream, tell, delivery, spare, wall)
        self.running = under_way.calls
        """Calls that came in and have not ended, by id."""
        self.batches = Batches(self, attempts, pacer, tell, under_way, rules)
        self.kept = Kept(cache, redactor, tell, under_way, wall, enabled=rules.cache)
        mover = Mover(origin_of, pacer.weigh, redactor, key_of)
        keyring = Keyring(pacer, redactor, key_of, wall, tuple(chosen_from))
        self.elsewhere = Elsewhere(self, pacer, tell, mover, keyring, fallback)
        self.shared = Shared(self.carry, pacer, tell, under_way, self.batches, self.kept)

    def receive(self, incoming: Incoming) -> Call:
        """Build the Call. Raises UnknownHost for a host that nobody allowed."""
        return self._intake.receive(incoming)

    async def send(self, call: Call) -> Reply:
        """Carry CALL to its answer. Raises Refusal when Sluice itself says no; CancelledError when the client left.

        The reply's body must be closed by whoever takes it.
        """
        return await (self.carry(call) if call.sharing is None else self.shared.send(call))

    async def carry(self, call: Call) -> Reply:
        """The same for a call that is sent, for itself or for others, too."""
        self._under_way.begin(call)
        trip = Trip()
        try:
            waits = self._pacer.will_wait(call)
            if waits and self._spare:  # what is to be done may let it go
                self._spare.run()
                waits = self._pacer.will_wait(call)
            why, wait_s = (waits["waits_for"], waits["wait_s"]) if waits else ("", None)
            self._tell.emit(Event("queued", call, self._wall(), reason=why, wait_s=wait_s))
            trip.since = None if call.deadline_s is None else self._pacer.now()
            if (call.origin.ways or self.elsewhere.rules) and self.elsewhere.concerns(call):
                return await self.elsewhere.rounds(call, trip)
            if call.sharing is not None and call.sharing.batch:
                return await self.batches.rounds(call, trip)
            return await self.rounds(call, trip)
        except Blocked as blocked:
            finding = blocked.finding.seen(mark("unsent"))
            return self.give_up(call, self._tell.answer_again(call, finding), finding, trip.attempt)
        except TooLarge as refusal:
            finding = too_large(call, refusal)
            return self.give_up(call, self._tell.answer_again(call, finding), finding, trip.attempt)
        except Refusal as refusal:
            if isinstance(refusal, DeadlineExceeded):
                self._advise(call, refusal)
            refusal.facts.setdefault("call", call.id)
            kind: EventKind = "cancelled" if isinstance(refusal, Cancelled) else "failed"
            self._under_way.end(self._tell.event(kind, call, trip.attempt, reason=refusal.message, final=True))
            raise
        except BaseException as error:
            task, stop = asyncio.current_task(), self._under_way.stopped(call.id, error)
            reason = self._under_way.why(call.id, error)
            gone = trip.unanswered()
            ended = self._tell.event("cancelled", gone or call, trip.attempt, reason=reason, final=True)
            self._under_way.end(replace(ended, usage=question_of(gone) if gone is not None else None))
            if stop is not None and task is not None and task.uncancel() == 0:
                raise stop.for_sent(call.id) from None
            raise

    def promote(self, name: str, priority: Priority) -> bool:
        """Let a waiting call go earlier, or the one whose answer it waits for. False when nothing waits."""
        return self._pacer.promote(name, priority) or self.shared.promote(name, priority)

    def sharing(self) -> dict[str, int]:
        """How many calls were answered without a request of their own, since the start."""
        batches = self.batches
        return {
            "same": self.shared.coalesced,
            "batched": batches.batched,
            "batches": batches.requests,
            "cached": self.kept.hits,
        }

    def catch_up(self) -> None:
        """Settle now what was put off, and let the readers have what has happened."""
        self._spare.run()

    def close(self) -> None:
        """Put nothing off any more: the loop has no more turns for it."""
        self._spare.close()

    async def drained(self) -> None:
        """Wait until no call is under way."""
        await self._under_way.drained()

    def cancel(self, name: str, why: Stop | None = None) -> bool:
        """End a call by id or by the client's own id: out of the queue, or off the wire. False if it has ended.
        WHY: as the journal and its client are told; somebody has asked for it, if that is not said."""
        why = why or as_asked()
        for call in self._under_way.named(name):
            if call.sharing is not None and self.shared.leave(call.id, why):
                return True
            if self._pacer.cancel(call.id, why.for_unsent()) or self._under_way.stop(call.id, why):
                return True
        return False

    def unread(self, call_id: str, seconds: float) -> None:
        """The client of a call has not taken its answer for so long: its door is about to close the body for that."""
        self._under_way.note(call_id, unread(seconds))

    async def rounds(self, call: Call, trip: Trip) -> Reply:
        """Wait and send, as often as it takes."""
        outcome = await self.tried(call, trip)
        if isinstance(outcome, Reply):
            return outcome
        return self.give_up(call, outcome.failure, outcome.finding, trip.attempt)

    async def tried(
        self,
        call: Call,
        trip: Trip,
        leaves: Leaves | None = None,
        setback: Setback | None = None,
    ) -> Reply | NoLuck:
        """Send CALL until it is answered or lost for good, or until a failure with which it LEAVES this place."""
        while True:
            permit = await self.admitted(call, setback, trip, put_off=True)
            trip.goes(call, permit)
            outcome = await self._attempts.alone(call, permit, trip.attempt)
            trip.on_its_way = None
            if isinstance(outcome, Reply) or outcome.setback is None or (leaves is not None and leaves(outcome)):
                return outcome
            setback = outcome.setback
            self.hold(call, outcome, setback, trip.attempt)

    async def admitted(self, call: Call, setback: Setback | None, trip: Trip, *, put_off: bool = False) -> Permit:
        """A permit within the person's budgets: looked at before the call lines up, and again when it may go. PUT_OFF:
        it is sent at once, and may be charged then."""
        if self._allowance is None:
            return await self._pacer.acquire(call, setback, None, trip.since, put_off=put_off)
        waited_s = 0.0
        while True:
            permit = await self._pacer.acquire(call, setback, self._allowance.holds(call), trip.since)
            if trip.since is None:
                waited_s = permit.waited_s = permit.waited_s + waited_s
            try:
                if self._allowance.holds(call) is None:
                    return permit
            except BaseException:
                self._pacer.give_back(permit)
                raise
            self._pacer.give_back(permit)

    def is_allowed(self, call: Call) -> bool:
        """True if CALL is within the person's budgets now."""
        try:
            return self._allowance is None or self._allowance.holds(call) is None
        except Refusal:
            return False

    def expect(self, call: Call, *, goes: bool = True) -> None:
        """Let CALL count there from now on, since it GOES in a moment; or no longer."""
        if self._allowance is not None:
            self._allowance.expect(call, goes=goes)

    def hold(self, call: Call, outcome: NoLuck, setback: Setback, attempt: int) -> None:
        """Tell the readers that this attempt failed and that the call goes back to the front of its queue."""
        failed = self._tell.failed(call, outcome.failure, outcome.finding, attempt, resend_in_s=setback.wait_s)
        self._tell.emit(failed)
        self._tell.emit(self._tell.event("held", call, attempt, wait_s=setback.wait_s, reason=setback.reason))
        if call.sharing is not None:
            self.shared.held(call)

    def give_up(
        self,
        call: Call,
        failure: Failure,
        finding: Finding,
        attempt: int,
        extra: Headers = (),
        total: int | None = None,
    ) -> Reply:
        """The reply for a failure: the upstream's own answer, explained, with EXTRA header fields of ours.

        TOTAL: all attempts, where others came after this one.
        """
        self._tell.refused(call, failure, finding)
        event = self._tell.failed(call, failure, finding, attempt, final=True)
        if failure.fault is not None and failure.sent:
            event = replace(event, usage=question_of(call))
        self._under_way.end(event)
        explanation = event.explanation
        if explanation is None:
            raise RuntimeError("a failed event without an explanation")
        return explained(call, failure, explanation, (*ours(call, attempt if total is None else total), *extra))

    def _advise(self, call: Call, refusal: DeadlineExceeded) -> None:
        """Name another model, if one has room now."""
        if room := self._pacer.with_room(call):
            refusal.facts["room"] = list(room)
            refusal.message = phrase("refused.with_room", said=refusal.message, models=", ".join(room))
