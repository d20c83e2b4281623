"""What will soon be in the way."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.model import Ask, Call, Event, Headers, Origin, Scope
from daemon.operations.lookout import Lookout, Warned
from daemon.redact import Sealed

NOON = 1_795_867_200.0


class World:
    """A lookout, what it sees and what it says."""

    def __init__(self) -> None:
        self.now = NOON
        self.said: list[Warned] = []
        self.dims: list[dict[str, Any]] = []
        pool = {"host": "api.example.com", "key": "k", "group": "m", "dims": self.dims}
        self.lookout = Lookout(lambda: [pool], self.said.append, clock=lambda: self.now)

    def hear(self, *kinds: Any, headers: Headers = (), wait_s: float | None = None) -> None:
        """Steps of a call, now; a failure is its end."""
        origin = Origin("api.example.com", "https://api.example.com", "openai")
        call = Call(
            id="c1", origin=origin, scope=Scope(origin.host, "k", "m"), method="POST", target=Sealed(("/",)),
            headers=(), body=b"", ask=Ask(model="m"),
        )  # fmt: skip
        events = [Event(k, call, self.now, headers=headers, wait_s=wait_s, final=k == "failed") for k in kinds]
        self.lookout.read(events)

    def used(self, used: float, period: str = "day", period_s: float | None = None) -> None:
        """A limit of 100 requests, of which so many are used; then an answer comes."""
        self.dims[:] = [
            {"dimension": "requests", "period": period, "period_s": period_s, "limit": 100.0, "used": used,
             "full_in_s": 3600.0}
        ]  # fmt: skip
        self.now += 2.0
        self.hear("answered")


def test_a_day_that_is_nearly_used_up() -> None:
    """It is said once, at four fifths; again only after it had cleared."""
    world = World()
    for used in (79, 80, 85, 99):
        world.used(used)
    assert [warned.words for warned in world.said] == [
        "80 % of the requests per day at api.example.com (m) are used. Put off what can wait, or use another model."
    ]
    assert "99 %" in world.lookout.states()[0]["words"]
    world.used(78)
    assert len(world.lookout.states()) == 1
    world.used(5)
    assert world.lookout.states() == []
    world.used(80)
    assert len(world.said) == 2


def test_a_minute_clears_by_itself() -> None:
    """Short limits are not worth a word; an hour's is."""
    world = World()
    world.used(100, "minute", 60.0)
    assert not world.said
    world.used(100, "hour", 3600.0)
    assert len(world.said) == 1


def test_a_long_queue() -> None:
    """A wait of more than five minutes is said when the call comes; a short one is not, and clears the warning."""
    world = World()
    world.hear("queued", wait_s=None)
    world.hear("queued", wait_s=200.0)
    assert not world.said
    world.hear("queued", wait_s=420.0)
    world.hear("queued", wait_s=430.0)
    assert [warned.words for warned in world.said] == [
        "A call to api.example.com (m) will wait about 7 min. "
        "Look at what waits with `daemon status`, or use another model."
    ]
    world.hear("queued", wait_s=1.0)
    assert world.lookout.states() == []


def test_who_is_told_at_once_that_it_would_wait_too_long_does_not_wait() -> None:
    """A call that is refused in the same instant leaves no word of a queue behind: it hid the refusal itself."""
    world = World()
    world.hear("queued", "failed", wait_s=900.0)
    assert world.said == []
    world.hear("queued", wait_s=900.0)
    assert len(world.said) == 1


@pytest.mark.parametrize("reset", [True, False])
def test_a_plan_that_ends_soon(reset: bool) -> None:
    """The window, how much of it is used, and when it begins anew, if that is known."""
    world = World()
    headers: Headers = (("anthropic-ratelimit-unified-5h-utilization", "0.9"),)
    if reset:
        headers += (("anthropic-ratelimit-unified-5h-reset", f"{NOON + 1800:.0f}"),)
    world.hear("answered", headers=headers)
    [warned] = world.said
    assert "90 % of the plan's window (5 h)" in warned.words
    assert ("begins anew at " in warned.words) is reset


def test_what_is_over_is_not_shown() -> None:
    """After the reset the status has nothing of it, though no further call came; and it can be said again."""
    world = World()
    world.used(90)
    world.now += 3601.0
    assert world.lookout.states() == []
    world.used(90)
    assert len(world.said) == 2


def test_limits_are_not_looked_at_for_each_answer() -> None:
    """A burst of answers costs one look a second."""
    world = World()
    looks = list[int]()
    lookout = Lookout(lambda: looks.append(1) or [], world.said.append, clock=lambda: world.now)  # type: ignore[func-returns-value]
    world.lookout = lookout
    for _ in range(100):
        world.hear("answered")
    assert len(looks) == 1


def test_warnings_that_are_past_do_not_pile_up() -> None:
    """Also when nobody asks for them: each one that is new clears those of keys that nobody uses any more."""
    world = World()
    for number in range(50):
        world.lookout._judge(f"plan/{number}", 1.0, 0.8, "words", world.now + 60.0)
        world.now += 120.0
    assert len(world.lookout._warned) == 1
    assert len(world.said) == 50
