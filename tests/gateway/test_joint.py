"""What has come of one sending, and its listeners: all of it, in order, within a bound."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from daemon.gateway.joint import Joint, Listener
from daemon.model import Ask as ModelAsk
from daemon.model import Call, Origin, Reply, Scope
from daemon.redact import Sealed
from daemon.upstream import StreamCut
from gateway.scripted import virtual

WHERE = Origin("h", "https://h", "openai")
LEAD = Call("lead", WHERE, Scope("h", "-", ""), "POST", Sealed("/"), (), b"", ModelAsk())


async def nothing():  # type: ignore[no-untyped-def]
    """A body without anything in it."""
    return
    yield b""


def joint(most: int = 100) -> Joint:
    """A sending whose answer has begun."""
    made = Joint(LEAD, "name", most)
    made.begin(Reply(LEAD, 200, "", (), nothing()))
    return made


def listener(of: Joint, name: str) -> Listener:
    """One more client."""
    return of.listen(replace(LEAD, id=name))


async def all_of(one: Listener) -> bytes:
    """What it hears to the end."""
    return b"".join([chunk async for chunk in one])


@virtual
async def test_everybody_hears_all_of_it() -> None:
    """Who was there from the beginning, and who came in the middle or after the last piece."""
    one = joint()
    early = asyncio.create_task(all_of(listener(one, "a")))
    await one.add(b"abc")
    middle = asyncio.create_task(all_of(listener(one, "b")))
    await one.add(b"def")
    late = listener(one, "c")
    assert one.open
    one.finish()
    assert not one.open
    assert [await early, await middle, await all_of(late)] == [b"abcdef"] * 3


@virtual
async def test_who_falls_behind_is_cut() -> None:
    """The fast one gets everything, the slow one a cut; what is kept stays within the bound; nobody may join then."""
    one = joint(most=80)
    fast, slow = listener(one, "fast"), listener(one, "slow")
    ends: list[BaseException | None] = []
    slow.on_end = ends.append
    heard = b""
    for i in range(20):
        await one.add(bytes([i]) * 10)
        heard += await anext(fast)
        assert one._size <= 80
    assert not one.open
    assert len(heard) == 200
    with pytest.raises(StreamCut):
        await anext(slow)
    assert [type(end).__name__ for end in ends] == ["TooSlow"]


@virtual
async def test_the_sending_waits_for_the_fastest() -> None:
    """When nobody reads, nothing more is taken from the provider; it goes on as soon as one reads."""
    one = joint(most=80)
    slow = listener(one, "slow")
    listener(one, "slower")
    for _ in range(8):
        await one.add(b"0123456789")
    more = asyncio.create_task(one.add(b"x" * 10))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not more.done()
    assert await anext(slow) == b"0123456789"
    await more
    assert one._size <= 80


@virtual
async def test_small_pieces_before_a_large_one() -> None:
    """The sending waits with a large piece until the small ones are read, however little they are."""
    one = joint(most=10)
    reader = listener(one, "a")
    await one.add(b"abc")
    more = asyncio.create_task(one.add(b"0123456789"))
    await asyncio.sleep(0)
    assert not more.done()
    assert await anext(reader) == b"abc"
    await more
    assert await anext(reader) == b"0123456789"


@virtual
async def test_a_piece_larger_than_the_bound() -> None:
    """It is handed on all the same: the bound is for what is kept beside it."""
    one = joint(most=10)
    reader = asyncio.create_task(all_of(listener(one, "a")))
    for _ in range(3):
        await one.add(b"y" * 50)
    one.finish()
    assert await reader == b"y" * 150


@virtual
async def test_an_error_comes_after_what_had_come() -> None:
    """A cut is heard by each at its place, never as an end."""
    one = joint()
    reader = listener(one, "a")
    await one.add(b"abc")
    one.finish(RuntimeError("cut"))
    assert await anext(reader) == b"abc"
    with pytest.raises(RuntimeError, match="cut"):
        await anext(reader)


@virtual
async def test_before_it_begins() -> None:
    """The head is waited for; what went wrong before is told to each."""
    one = Joint(LEAD, None)
    waiting = asyncio.create_task(listener(one, "a").head())
    await asyncio.sleep(0)
    assert not waiting.done()
    one.finish(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await waiting
