"""What answers say of themselves, and refusals that several calls meet."""

from __future__ import annotations

import asyncio

from daemon.errors import DeadlineExceeded
from daemon.gateway.outcome import ours, same_for, why_it_stopped, without_ours
from daemon.model import Finding
from daemon.pacing import Blocked
from daemon.phrases import phrase
from gateway.scripted import World, virtual


@virtual
async def test_a_refusal_for_another_call() -> None:
    """The same words and facts, with the other one's id; the first is not changed."""
    call = World().call()
    first = DeadlineExceeded(phrase("refused.cancelled"), call="c0", retry_after_s=3.0)
    other = same_for(call, first)
    assert isinstance(other, DeadlineExceeded)
    assert (other.message, other.facts) == (first.message, {"call": call.id, "retry_after_s": 3.0})
    assert first.facts["call"] == "c0"
    blocked = same_for(call, Blocked(Finding("insufficient_quota"), "h"))
    assert isinstance(blocked, Blocked)
    assert blocked.finding.subtype == "insufficient_quota"
    error = ValueError("x")
    assert same_for(call, error) is error


@virtual
async def test_our_fields() -> None:
    """Put on one answer, they come off again for another."""
    call = World().call()
    assert without_ours((("A", "b"), *ours(call, 2), ("X-Sluice-Cache", "miss"))) == (("A", "b"),)


def test_why_it_stopped() -> None:
    """A client that leaves is not a fault of ours."""
    assert why_it_stopped(asyncio.CancelledError()) == why_it_stopped(GeneratorExit()) == phrase("ended.client_left")
    assert "ValueError" in why_it_stopped(ValueError())
