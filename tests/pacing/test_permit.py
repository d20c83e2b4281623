"""The right of one attempt to go."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from world import call, origin, story

from daemon.model import Finding, Limit, Origin
from daemon.pacing import Pacer
from daemon.pacing.permit import Permit
from daemon.pacing.slots import Slots


class Desk:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **more: self.heard.append(name)


def test_a_permit_gives_itself_back_once() -> None:
    """`release` in a `finally` and another one by the body's end: one slot comes back; costs are settled once."""
    desk = Desk()
    permit = Permit(call("x", origin()), 1, 0.0, desk)
    permit.settle(None)
    permit.settle(None)
    permit.release()
    permit.release()
    assert desk.heard == ["settle", "release"]


@pytest.mark.parametrize(
    "tell",
    [
        lambda permit: permit.charge(),
        lambda permit: permit.left(),
        lambda permit: permit.quiet(),
        lambda permit: permit.answered(200, (), streamed=False),
        lambda permit: permit.refused(Finding("rate_limit_requests", "rate", "wait", "sure", status=429)),
        lambda permit: permit.lost("reset", sent=True),
        lambda permit: permit.settle(None),
        lambda permit: permit.release(),
    ],
    ids=["charge", "left", "quiet", "answered", "refused", "lost", "settle", "release"],
)
def test_what_was_put_off_is_charged_once_before_the_desk_hears(tell: Callable[[Permit], object]) -> None:
    """Whatever a permit is told first, its charge is in the sums by then, with the instant at which it was let in."""
    desk, seen = Desk(), list[list[str]]()
    permit = Permit(call("x", origin()), 1, 0.0, desk)
    permit.charging = lambda: seen.append(list(desk.heard))
    tell(permit)
    permit.left()
    permit.release()
    assert seen == [[]]


def test_a_call_that_goes_at_once_may_be_charged_when_it_has_gone() -> None:
    """Nothing counts before; then it counts from the instant of its permit, and the next one waits for its turn."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        (await pacer.acquire(call("before", where))).release()
        permit = await pacer.acquire(call("x", where), put_off=True)
        row = pacer.pools()[0]
        assert (row["in_flight"], row["dims"][0]["used_by_us"]) == (0, 1)
        permit.left()
        row = pacer.pools()[0]
        assert (row["in_flight"], row["dims"][0]["used_by_us"]) == (1, 2)
        assert {charge.at for _, charge in permit.charges} == {permit.sent_at}
        assert pacer.will_wait(call("y", where)) is not None
        permit.release()

    story(tell, Limit("requests", 2, 60.0, "minute"))


def test_who_has_waited_is_charged_with_the_permit() -> None:
    """Of those that wait, the step that lets one go must know what it takes before it looks at the next."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        first = await pacer.acquire(call("a", where))
        waiting = [asyncio.create_task(pacer.acquire(call(name, where), put_off=True)) for name in "bc"]
        await asyncio.sleep(1)
        first.release()
        await asyncio.sleep(1)
        assert [task.done() for task in waiting] == [True, False]
        waiting[0].result().release()
        await asyncio.sleep(1)
        waiting[1].result().release()
        assert pacer.pools()[0]["in_flight"] == 0

    story(tell, Limit("concurrency", 1))


def test_what_was_put_off_is_given_back_whole() -> None:
    """A call that is not sent after all has taken nothing."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        pacer.give_back(await pacer.acquire(call("x", where), put_off=True))
        row = pacer.pools()[0]
        assert (row["in_flight"], row["dims"][0]["used_by_us"]) == (0, 0)

    story(tell, Limit("requests", 2, 60.0, "minute"))


def test_a_charge_that_breaks_gives_back_no_more_than_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slot of another call stays taken."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        first = await pacer.acquire(call("a", where))
        permit = await pacer.acquire(call("b", where), put_off=True)
        with monkeypatch.context() as patched:
            patched.setattr(Slots, "take", lambda *args: 1 / 0)
            for tell in (permit.left, permit.release):
                with pytest.raises(ZeroDivisionError):
                    tell()
        assert pacer.pools()[0]["in_flight"] == 1
        first.release()
        assert pacer.pools()[0]["in_flight"] == 0

    story(tell, Limit("concurrency", 2))
