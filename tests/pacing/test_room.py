"""Which other model has room now."""

from __future__ import annotations

from typing import Any

from virtual_time import run

from daemon.model import Ask, Call, Estimate, Limit, Origin, Reading, Scope
from daemon.pacing import Pacer, PacingSettings
from daemon.redact import Sealed

LIMITS = (Limit("requests", 20, 60.0, "minute", ("small", "large", "other")),)


def make_call(call_id: str, model: str, *, kind: str = "chat", key: str = "k", tokens: float = 10.0) -> Call:
    """A call of MODEL."""
    origin = Origin(host="h", url="https://h", provider="openai")
    return Call(
        id=call_id, origin=origin, scope=Scope("h", key, model), method="POST", target=Sealed(("/",)), headers=(),
        body=b"", ask=Ask(kind=kind, model=model), estimate=Estimate(input=tokens),
    )  # fmt: skip


async def used(pacer: Pacer, call: Call, remaining: float) -> None:
    """CALL goes through, and its answer says how many of 20 requests a minute are left."""
    permit = await pacer.acquire(call)
    permit.answered(200, [Reading("requests", 20, remaining, 30.0, 60.0)], streamed=False)
    permit.settle(None)
    permit.release()


async def world(*models: tuple[str, float, dict[str, Any]]) -> Pacer:
    """A pacer that has seen one call of each: (model, requests left, more about the call)."""
    import asyncio

    pacer = Pacer(PacingSettings(), clock=asyncio.get_running_loop().time, wall=lambda: 1.8e9)
    for number, (model, remaining, more) in enumerate(models):
        await used(pacer, make_call(f"c{number}", model, **more), remaining)
    return pacer


def test_the_one_with_the_most_room_first() -> None:
    """Models with room, the freest first; not the model itself, not one that is nearly used up."""

    async def play() -> None:
        pacer = await world(("full", 0, {}), ("small", 15, {}), ("large", 19, {}), ("nearly", 2, {}))
        assert pacer.with_room(make_call("x", "full")) == ("large", "small")
        assert pacer.with_room(make_call("x", "large")) == ("small",)
        await pacer.close()

    run(play())


def test_only_what_can_do_the_same() -> None:
    """A model for embeddings is no way out for a chat, and another key is another account."""

    async def play() -> None:
        pacer = await world(("full", 0, {}), ("embed", 19, {"kind": "embeddings"}), ("theirs", 19, {"key": "k2"}))
        assert pacer.with_room(make_call("x", "full")) == ()
        assert pacer.with_room(make_call("x", "never seen")) == ()
        await pacer.close()

    run(play())


def test_not_after_a_day() -> None:
    """What was used two days ago is not advised; nor is a model in whose queue calls wait."""

    async def play() -> None:
        import asyncio

        pacer = await world(("full", 0, {}), ("small", 15, {}))
        await asyncio.sleep(2 * 86400.0)
        assert pacer.with_room(make_call("x", "full")) == ()
        await pacer.close()

    run(play())
