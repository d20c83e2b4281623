"""Where one call has been, and the words for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from daemon.errors import DeadlineExceeded
from daemon.explain import Catalogue
from daemon.fallback import Fallback, Place
from daemon.gateway.course import (
    Stuck,
    applies,
    fits,
    in_a_field,
    keyed,
    out_of_it,
    passed_words,
    place,
    why_passed,
)  # fmt: skip
from daemon.gateway.moving import PassedOver
from daemon.gateway.outcome import NoLuck
from daemon.model import Failure, Finding, Way, mark
from daemon.pacing import Setback
from gateway.scripted import World, virtual

QUOTA = Finding(subtype="insufficient_quota", family="quota", retry="never")


@virtual
async def test_when_a_rule_applies() -> None:
    """By the kind, by the family, or by the length of the wait; a refusal of ours is an endless wait."""
    call = World().call()
    rule = Fallback((Place("a"),), on=("quota",), wait_s=60.0)
    refused = Stuck(call, 1, outcome=NoLuck(Failure(status=429), QUOTA, None))
    assert applies(rule, refused)
    assert applies(Fallback((Place("a"),), on=("insufficient_quota",)), refused)
    assert not applies(Fallback((Place("a"),), on=("capacity",), wait_s=60.0), refused)
    assert applies(rule, Stuck(call, 1, wait_s=61.0))
    assert not applies(rule, Stuck(call, 1, wait_s=60.0))
    assert applies(rule, Stuck(call, 1, wait_s=60.0, waited=True))
    assert not applies(Fallback((Place("a"),), on=("quota",)), Stuck(call, 1, wait_s=61.0))
    late = Stuck(call, 0, refusal=DeadlineExceeded("late"), wait_s=float("inf"))
    assert applies(rule, late)
    assert (refused.word, late.word, Stuck(call, 0).word) == ("insufficient_quota", "deadline_exceeded", "wait")


@virtual
async def test_who_is_out_of_it() -> None:
    """A key that is refused is out of it alone; of a host that has broken all keys are. None is where the call itself
    is wrong, was sent and lost, or there is no network at all."""
    call, there = World().call(), "https://b.example.com"
    choices = [replace(call, way=Way(name, None, name.upper())) for name in ("work", "home")]
    choices.append(replace(call, origin=replace(call.origin, url=there), way=Way("b", there)))

    def out(family: str, subtype: str = "unknown", **failure: Any) -> set[str]:
        finding = Finding(subtype, family, "never", "sure")
        return out_of_it(choices[0], choices, NoLuck(Failure(**failure), finding, None))

    assert out("access", "invalid_api_key", status=401) == {"work"}
    assert out("server", status=500, sent=True) == out("network", fault="refused") == {"work", "home"}
    assert out("request", status=400) == out("network", fault="reset", sent=True) == set()
    assert out("network", fault="offline") == set()


@virtual
async def test_what_waiting_clears() -> None:
    """A wait, and a failure with the right to try again; not a refusal of ours, nor a failure for good."""
    world = World()
    call = world.call()
    permit = await world.pacer.acquire(call)
    back = Setback(permit, "rate", 5.0, "later")
    assert Stuck(call, 1).clears
    assert Stuck(call, 1, outcome=NoLuck(Failure(), QUOTA, back)).clears
    assert not Stuck(call, 1, outcome=NoLuck(Failure(), QUOTA, None)).clears
    assert not Stuck(call, 1, refusal=DeadlineExceeded("late")).clears
    permit.release()


@virtual
async def test_the_name_of_the_key_is_evidence() -> None:
    """Where one of several was used; else nothing is said."""
    call, outcome = World().call(), NoLuck(Failure(), QUOTA, None)
    assert keyed(call, outcome) is outcome
    named = keyed(replace(call, way=Way("work")), outcome)
    assert named.finding.evidence == (mark("with_key", key="work"),)
    assert place(call) == "api.openai.com gpt-4o"


def test_the_evidence_is_told_in_each_language() -> None:
    """Each line has its words; values stay as they are."""
    lines = (
        mark("with_key", key="work"),
        mark("tried", place="h m", why="overloaded"),
        why_passed(PassedOver("h", "m", "H_KEY"), "h m"),
        why_passed(PassedOver("h", "m"), "h m"),
    )
    assert lines[2:] == (mark("no_key", variable="H_KEY", place="h m"), mark("cannot", place="h m"))
    catalogue = Catalogue.load()
    for language in ("ko", "zh"):
        told = catalogue.explain(Finding(evidence=lines), language=language).evidence
        assert "work" in told
        assert "H_KEY" in told
        assert not [word for word in ("also tried", "passed over", "sent with") if word in told]


def test_passed_over_in_words() -> None:
    """With the variable that would help, or that nothing would."""
    assert "H_KEY is not set" in passed_words(PassedOver("h", "m", "H_KEY"), "h m")
    assert "cannot be written for it" in passed_words(PassedOver("h", "m"), "h m")


def test_a_header_field_holds_no_line_end() -> None:
    """Nor anything else that could begin a new field, or that is not ASCII."""
    assert in_a_field("h m\r\nX-Evil: 1\tmodèle") == "h m??X-Evil: 1?mod?le"
    assert fits(("gpt*", "o3"), "gpt-4o")
    assert not fits((), "gpt-4o")
