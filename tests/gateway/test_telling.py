"""What readers of events are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from daemon.gateway.telling import MOST_TALLIES, Teller
from daemon.model import Event, Failure, Finding
from daemon.redact import Redactor
from gateway.scripted import CATALOGUE, KEY, World, ok, virtual


def teller(*sinks: Any, now: float = 100.0) -> Teller:
    """A teller whose clock stands still."""
    return Teller(CATALOGUE, Redactor(b"test"), sinks, "en", lambda: now)


@virtual
async def test_a_failure_in_words() -> None:
    """With what is known around it: attempts, the resend, the key's variable; the language of the call."""
    call = World(ok()).call(language="en-GB")
    failure = Failure(status=429, headers=(("a", "b"),), body=b"{}", provider="openai")
    finding = CATALOGUE.classify(failure)
    event = teller().failed(call, failure, finding, 2, resend_in_s=7.0)
    assert (event.kind, event.status, event.attempt, event.final, event.at) == ("failed", 429, 2, False, 100.0)
    assert (event.failure, event.body) == (failure, b"{}")
    assert event.explanation is not None
    assert "7" in event.explanation.now


@virtual
async def test_a_key_in_the_providers_sentence() -> None:
    """It is taken out before anybody hears of it."""
    call = World(ok()).call()
    finding = Finding(subtype="invalid_api_key", family="access", retry="never", original=f"Incorrect key: {KEY}")
    event = teller().failed(call, Failure(status=401), finding, 1)
    assert event.explanation is not None
    assert KEY not in str(event.explanation)
    assert "Incorrect key: «" in event.explanation.finding.original


@virtual
async def test_the_same_answer_again() -> None:
    """Who is held back gets the refusal that the key got last, if it was of that kind; else a bare one."""
    told = teller()
    call = World(ok()).call()
    finding = Finding("insufficient_quota", "quota", "never", "sure", status=429)
    assert told.answer_again(call, finding) == Failure(
        status=429, host="api.openai.com", provider="openai", model="gpt-4o"
    )
    told.refused(call, Failure(status=429, body=b"no credit", model="another"), finding)
    again = told.answer_again(call, finding)
    assert (again.body, again.model) == (b"no credit", "gpt-4o")
    assert told.answer_again(call, replace(finding, status=401)).body == b""
    assert told.answer_again(call, replace(finding, subtype="request_too_large")).body == b""
    assert told.answer_again(call, Finding()).status == 429
    told.tally(call).succeeded(1.0)
    assert told.answer_again(call, finding).body == b""


@virtual
async def test_the_same_answer_again_for_the_same_model() -> None:
    """What was refused to one model is not said to the client of another, and that model's success takes nothing back.
    What holds nobody back is not kept."""
    world, told = World(ok()), teller()
    one, other = world.call(), world.call(model="o3")
    finding = Finding("not_in_plan", "access", "never", "sure", status=403)
    told.refused(one, Failure(status=403, body=b"not for you"), finding)
    told.refused(one, Failure(status=403, body=b"a guess"), replace(finding, confidence="guess"))
    told.tally(other).succeeded(1.0, other.scope.group)
    assert [told.answer_again(call, finding).body for call in (one, other)] == [b"not for you", b""]


@virtual
async def test_tallies_are_one_for_each_key() -> None:
    """Another model of the same key shares it; another key does not."""
    world, told = World(ok()), teller()
    one = world.call()
    assert told.tally(one) is told.tally(world.call(model="o3"))
    assert told.tally(one) is not told.tally(world.call(headers=(("Authorization", "Bearer CANARY-another"),)))


@virtual
async def test_a_broken_reader() -> None:
    """The others hear all the same."""
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise OSError("disk full")

    told = teller(broken, heard.append)
    told.emit(told.event("sent", World(ok()).call(), 1))
    assert [event.kind for event in heard] == ["sent"]


@virtual
async def test_a_key_for_each_call_does_not_fill_the_memory() -> None:
    """The tallies of keys that were used last stay."""
    world = World(ok())
    tell, call = teller(), world.call()
    for number in range(3 * MOST_TALLIES):
        tell.tally(replace(call, scope=replace(call.scope, key=f"k{number}"))).sent(float(number))
    assert len(tell._tallies) <= MOST_TALLIES
    assert list(tell._tallies)[-1][1] == f"k{3 * MOST_TALLIES - 1}"
    assert tell.tally(replace(call, scope=replace(call.scope, key="k190"))).last_minute(191.0) == 1
