"""When a call cannot be answered where it was sent: with another key of the person's own, or by another host or model.

Only while the client has got nothing. Each place has its own limits and budgets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from daemon.errors import Cancelled, DeadlineExceeded, QueueFull, Refusal, ShuttingDown, TooLarge
from daemon.fallback import Fallback
from daemon.gateway.course import (
    FAILING,
    Course,
    Stuck,
    applies,
    fits,
    in_a_field,
    keyed,
    out_of_it,
    passed_words,
    place,
    signed,
    why_passed,
)
from daemon.gateway.inspect import too_large
from daemon.gateway.keyring import Keyring
from daemon.gateway.moving import Mover
from daemon.gateway.outcome import NoLuck, Trip
from daemon.gateway.sender import Leaves, Sender
from daemon.gateway.telling import Teller
from daemon.model import Call, Reply, mark
from daemon.pacing import Blocked, Pacer, Setback
from daemon.pacing.reasons import duration
from daemon.phrases import phrase

INFINITE = float("inf")


class _WaitedOut(Refusal):
    """The call has waited here as long as it may before it goes elsewhere."""


class Elsewhere:
    """Carries calls for which there is a choice of places."""

    def __init__(
        self, sender: Sender, pacer: Pacer, tell: Teller, mover: Mover, keyring: Keyring, rules: tuple[Fallback, ...]
    ) -> None:
        self._sender = sender
        self._pacer = pacer
        self._tell = tell
        self._mover = mover
        self.keyring = keyring
        self.rules = rules
        self.moved = 0
        """Calls that another host or model has answered."""
        self.rekeyed = 0
        """Calls that went to the next key or endpoint after a failure."""

    def concerns(self, call: Call) -> bool:
        """True if CALL has a choice."""
        return bool(call.origin.ways) or bool(self._rules_for(call))

    def state(self) -> dict[str, Any]:
        """For `status`: JSON-ready, with phrases."""
        return {
            "rules": len(self.rules),
            "moved": self.moved,
            "rekeyed": self.rekeyed,
            "keys": self.keyring.states(),
        }

    async def rounds(self, call: Call, trip: Trip) -> Reply:
        """Carry CALL to an answer, wherever that is. Raises Refusal as the first place did."""
        course = Course(call, trip, self._rules_for(call))
        first = await self._at(call, course, lambda outcome: self._leaves(course, outcome))
        if isinstance(first, Reply):
            return signed(first) if course.rules else first
        rule = next((one for one in course.rules if applies(one, first)), None)
        if rule is not None:
            reply = await self._onward(first, course, rule)
            if reply is not None:
                self.moved += 1
                return signed(reply)
            if first.clears:
                return await self._wait(first, course)
        return self._in_vain(first, course)

    async def _wait(self, first: Stuck, course: Course) -> Reply:
        """Nobody else could answer: what waiting clears is waited for after all."""
        setback = first.outcome.setback if first.outcome is not None else None
        found = await self._try(first.call, course, None, INFINITE, setback, away=False)
        return signed(found) if isinstance(found, Reply) else self._in_vain(found, course)

    def _rules_for(self, call: Call) -> tuple[Fallback, ...]:
        if not self.rules or not self._mover.can_move(call):
            return ()
        host, model = call.origin.host, call.model or ""
        return tuple(one for one in self.rules if fits(one.hosts, host) and fits(one.models, model))

    def _leaves(self, course: Course, outcome: NoLuck) -> bool:
        stuck = Stuck(course.call, 0, outcome=outcome, wait_s=outcome.setback.wait_s if outcome.setback else 0.0)
        return any(applies(rule, stuck) for rule in course.rules)

    async def _onward(self, first: Stuck, course: Course, rule: Fallback) -> Reply | None:
        """Try the places of RULE in turn. The last one is waited for as any call waits."""
        stuck = first
        goals = list(self._goals(first, course, rule))
        for goal in goals:
            self._lost(stuck)
            self._reroute(stuck, goal, course)
            last = goal is goals[-1]
            patience_s = INFINITE if last or rule.wait_s is None else rule.wait_s
            found = await self._at(goal, course, None if last else _always, patience_s, away=True)
            if isinstance(found, Reply):
                return found
            stuck = found
            name = place(goal)
            course.passed.append(mark("tried", place=name, why=stuck.word))
            course.places.append(name)
        if goals:
            self._lost(stuck)
            self._back(first, course)
        return None

    def _goals(self, first: Stuck, course: Course, rule: Fallback) -> Iterator[Call]:
        """The calls for RULE's places; those that cannot be are noted."""
        for one in rule.to:
            goal = self._mover.moved(course.call, one)
            if isinstance(goal, Call):
                if goal.scope != course.call.scope:
                    yield goal
                continue
            name = f"{goal.host} {goal.model}"
            course.passed.append(why_passed(goal, name))
            self._tell.emit(self._tell.event("rerouted", first.call, first.attempt, reason=passed_words(goal, name)))

    # One place

    async def _at(
        self, call: Call, course: Course, leaves: Leaves | None, patience_s: float | None = None, *, away: bool = False
    ) -> Reply | Stuck:
        """Try CALL where it goes, with each of the person's keys that work."""
        self._sender.catch_up()
        if patience_s is None:
            patience_s = min((rule.wait_s for rule in course.rules if rule.wait_s is not None), default=INFINITE)
        choices = self.keyring.choices(call) if call.origin.ways else []
        if not choices:
            return await self._try(call, course, leaves, patience_s, away=away)
        return await self._by_keys(choices, course, leaves, patience_s, away=away)

    async def _by_keys(
        self, choices: list[Call], course: Course, leaves: Leaves | None, patience_s: float, *, away: bool
    ) -> Reply | Stuck:
        gone: set[str] = set()
        setbacks: dict[str, Setback] = {}
        last: Stuck | None = None
        refused: Stuck | None = None
        one = self.keyring.best(choices)
        while one is not None:
            name = one.way.name if one.way is not None else ""
            self._choose(one, name, last, course)
            stops = leaves if len(choices) == 1 else _always  # each failure is a reason to look who goes soonest
            found = await self._try(one, course, stops, patience_s, setbacks.get(name), away=away)
            if isinstance(found, Reply):
                self.keyring.remember(one)
                return found
            if found.outcome is None:
                # With this key it may not even wait; it went to it as the one that would be free first.
                refused = refused or found
                gone.add(name)
                onward = self.keyring.best(choices, gone) if found.refusal is not None else None
                if onward is None:
                    return refused
                last, one = found, onward
                continue
            setback = found.outcome.setback
            if found.outcome.finding.family in FAILING:
                self.keyring.shun(one)
            if setback is not None:
                setbacks[name] = setback
            elif out := out_of_it(one, choices, found.outcome):
                gone |= out
            else:
                return found
            onward = self.keyring.best(choices, gone)
            if onward is None:
                return found
            if setback is None or onward is not one:
                self._lost(found)
                course.passed.append(mark("tried", place=f"{place(one)} {name}", why=found.word))
                self.rekeyed += 1
            elif leaves is not None and leaves(found.outcome):
                return found
            else:
                self._sender.hold(one, found.outcome, setback, course.trip.attempt)
            last, one = found, onward
        raise RuntimeError("no key to choose from")

    async def _try(
        self,
        call: Call,
        course: Course,
        leaves: Leaves | None,
        patience_s: float,
        setback: Setback | None = None,
        *,
        away: bool,
    ) -> Reply | Stuck:
        """Send CALL as it is. AWAY: any refusal of ours only means that this place will not do."""
        if patience_s < INFINITE and setback is None:
            waits = self._pacer.will_wait(call)
            if waits is not None and (waits["wait_s"] or 0.0) > patience_s:
                return Stuck(call, course.trip.attempt, wait_s=waits["wait_s"], waits_for=waits["waits_for"])
        before = course.trip.attempt
        try:
            with self._waiting_at_most(call, patience_s):
                outcome = await self._sender.tried(call, course.trip, leaves, setback)
        except _WaitedOut as over:
            waits = self._pacer.will_wait(call)
            why = waits["waits_for"] if waits is not None else over.message
            return Stuck(call, course.trip.attempt, wait_s=patience_s, waits_for=why, waited=True)
        except Refusal as refusal:
            stuck = self._refused(call, course, refusal, away=away)
            if stuck is None:
                raise
            return stuck
        if isinstance(outcome, Reply):
            return outcome
        wait_s = outcome.setback.wait_s if outcome.setback is not None else 0.0
        return Stuck(call, course.trip.attempt, course.trip.attempt > before, keyed(call, outcome), wait_s=wait_s)

    @contextmanager
    def _waiting_at_most(self, call: Call, patience_s: float) -> Iterator[None]:
        """Meanwhile CALL leaves the queue after PATIENCE_S; how long it would wait was not known, or told too short.
        When it has been sent by then, it stays."""
        if patience_s == INFINITE:
            yield
            return
        over = _WaitedOut(phrase("waits.turn"))
        timer = asyncio.get_running_loop().call_later(patience_s, self._pacer.cancel, call.id, over)
        try:
            yield
        finally:
            timer.cancel()

    def _refused(self, call: Call, course: Course, refusal: Refusal, *, away: bool) -> Stuck | None:
        """What a refusal of ours means for the way on; None: it is the end."""
        attempt = course.trip.attempt
        if isinstance(refusal, Blocked):
            finding = refusal.finding.seen(mark("unsent"))
        elif isinstance(refusal, TooLarge):
            finding = too_large(call, refusal)
        elif isinstance(refusal, DeadlineExceeded | QueueFull) or (
            away and not isinstance(refusal, Cancelled | ShuttingDown)
        ):
            return Stuck(call, attempt, refusal=refusal, wait_s=INFINITE)
        else:
            return None
        outcome = NoLuck(self._tell.answer_again(call, finding), finding, None)
        return Stuck(call, attempt, outcome=keyed(call, outcome))

    # What is told

    def _choose(self, one: Call, name: str, last: Stuck | None, course: Course) -> None:
        if name == course.way:
            return
        course.way = name
        reason = phrase("ways.chosen", name=name)
        if last is not None and last.call.way is not None:
            reason = phrase("ways.next", name=name, other=last.call.way.name, why=last.word.replace("_", " "))
        self._tell.emit(self._tell.event("keyed", one, course.trip.attempt, reason=reason))

    def _lost(self, stuck: Stuck) -> None:
        """Tell the attempt that failed, if there was one and it has not been told."""
        if stuck.outcome is not None and stuck.sent:
            failure, finding = stuck.outcome.failure, stuck.outcome.finding
            self._tell.refused(stuck.call, failure, finding)
            self._tell.emit(self._tell.failed(stuck.call, failure, finding, stuck.attempt))

    def _reroute(self, stuck: Stuck, goal: Call, course: Course) -> None:
        course.way = ""
        why: str = stuck.word.replace("_", " ")
        if stuck.outcome is None and 0 < stuck.wait_s < INFINITE:
            why = phrase(
                "moved.waited" if stuck.waited else "moved.wait", wait=duration(stuck.wait_s), why=stuck.waits_for
            )
        reason = phrase("moved.goes", here=place(stuck.call), why=why, there=place(goal))
        self._tell.emit(self._tell.event("rerouted", goal, course.trip.attempt, reason=reason))

    def _back(self, first: Stuck, course: Course) -> None:
        reason = phrase("moved.back", here=place(first.call))
        event = self._tell.event("rerouted", first.call, first.attempt, reason=reason)
        failure = first.outcome.failure if first.outcome is not None and not first.clears else None
        self._tell.emit(replace(event, failure=failure))

    def _in_vain(self, first: Stuck, course: Course) -> Reply:
        """Nobody could answer: what the first place said, and what else was tried."""
        if first.outcome is None:
            raise self._refusal(first, course) from None
        finding = first.outcome.finding.seen(*course.passed)
        extra = (("X-Sluice-Also-Tried", in_a_field("; ".join(course.places))),) if course.places else ()
        number, total = first.attempt, course.trip.attempt
        return self._sender.give_up(first.call, first.outcome.failure, finding, number, extra, total)

    def _refusal(self, first: Stuck, course: Course) -> Refusal:
        refusal = first.refusal
        if refusal is None:
            raise RuntimeError("stuck without a reason")
        if course.places:
            refusal.facts["also_tried"] = list(course.places)
            refusal.message = phrase("moved.in_vain", said=refusal.message, places=", ".join(course.places))
        return refusal


def _always(outcome: NoLuck) -> bool:
    """A way to leave with any failure."""
    return True
