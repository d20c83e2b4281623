"""Where one call has been, what it met there, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from daemon.errors import Refusal
from daemon.fallback import Fallback
from daemon.gateway.moving import PassedOver
from daemon.gateway.outcome import NoLuck, Trip
from daemon.model import Call, Reply, mark
from daemon.pacing.block import blocks
from daemon.phrases import phrase

FAILING = frozenset({"network", "capacity", "server"})
"""Families of failures that say something of the place and not of the call."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A call that got no answer at one place."""

    call: Call
    attempt: int
    sent: bool = False
    outcome: NoLuck | None = None
    refusal: Refusal | None = None
    """Without an outcome: why it may not wait there."""
    wait_s: float = 0.0
    """How long it would wait there; infinity for a refusal."""
    waits_for: str = ""
    waited: bool = False
    """It has done so."""

    @property
    def clears(self) -> bool:
        """True if it may wait there all the same."""
        return self.refusal is None and (self.outcome is None or self.outcome.setback is not None)

    @property
    def word(self) -> str:
        """Why, as a program would name it."""
        if self.outcome is not None:
            return self.outcome.finding.subtype
        return self.refusal.code if self.refusal is not None else "wait"


@dataclass(slots=True)
class Course:
    """Where one call has been."""

    call: Call
    trip: Trip
    rules: tuple[Fallback, ...]
    passed: list[str] = field(default_factory=list)
    """Evidence: other places, and what came of them."""
    places: list[str] = field(default_factory=list)
    way: str = ""
    """The key or endpoint that was told last."""


def applies(rule: Fallback, stuck: Stuck) -> bool:
    """True if RULE is about such a failure or wait."""
    if stuck.outcome is not None:
        finding = stuck.outcome.finding
        if finding.subtype in rule.on or finding.family in rule.on:
            return True
    if rule.wait_s is None:
        return False
    return stuck.wait_s >= rule.wait_s if stuck.waited else stuck.wait_s > rule.wait_s


def out_of_it(one: Call, choices: list[Call], outcome: NoLuck) -> set[str]:
    """Names of the keys and endpoints among CHOICES that will not do, since ONE is lost to OUTCOME. None of them where
    no other one would do better either."""
    scope = blocks(outcome.finding)
    if scope == "host" or (scope is None and is_the_place(outcome)):  # a guard asks for no key, nor does a broken host
        return {each.way.name for each in choices if each.way and each.origin.url == one.origin.url}
    return {one.way.name} if scope is not None and one.way is not None else set()


def is_the_place(outcome: NoLuck) -> bool:
    """True if the failure is the place's own, and the call can go to another one: it was answered so, or was not sent.
    What was sent and then lost may have been paid for."""
    fault, sent = outcome.failure.fault, outcome.failure.sent
    return outcome.finding.family in FAILING and (fault is None or (not sent and fault != "offline"))


def fits(patterns: tuple[str, ...], name: str) -> bool:
    """True if NAME fits one of the PATTERNS."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def keyed(call: Call, outcome: NoLuck) -> NoLuck:
    """OUTCOME with the name of the key, where several could have been used."""
    if call.way is None:
        return outcome
    return replace(outcome, finding=outcome.finding.seen(mark("with_key", key=call.way.name)))


def signed(reply: Reply) -> Reply:
    """REPLY with the name of who gave it."""
    if reply.explanation is not None:
        return reply
    return replace(reply, headers=(*reply.headers, ("X-Sluice-Answered-By", in_a_field(place(reply.call)))))


def in_a_field(text: str) -> str:
    """TEXT as a header field may hold it: a model's name comes from the client, and may have a line end in it."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)


def place(call: Call) -> str:
    """Host and model of CALL."""
    return f"{call.origin.host} {call.model or '-'}"


def why_passed(goal: PassedOver, name: str) -> str:
    """Evidence."""
    if goal.variable:
        return mark("no_key", variable=goal.variable, place=name)
    return mark("cannot", place=name)


def passed_words(goal: PassedOver, name: str) -> str:
    """The same as a phrase."""
    if goal.variable:
        return phrase("moved.no_key", variable=goal.variable, there=name)
    return phrase("moved.cannot", there=name)
