"""Names and addresses: one look-up for many, and the address that answers."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest

from daemon.upstream import eyeballs
from stage.origin import ok, serving


def local(port: int, name: str = "127.0.0.1") -> eyeballs.Address:
    """An address on this machine."""
    return (socket.AF_INET, (name, port))


async def test_the_first_that_answers() -> None:
    """Addresses where nobody is cost nothing but the attempt."""
    async with serving(ok()) as server:
        with await eyeballs.connect([local(1), local(2), local(server.port)]) as sock:
            assert sock.getpeername()[1] == server.port
            assert not sock.getblocking()
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


async def test_an_address_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is tried beside it, and the attempt that lost is given up."""
    given_up = asyncio.Event()
    real = eyeballs._connect

    async def connect(address: eyeballs.Address) -> socket.socket:
        if address[1][1] != 1:
            return await real(address)
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        raise AssertionError

    monkeypatch.setattr(eyeballs, "_connect", connect)
    monkeypatch.setattr(eyeballs, "_HEAD_START_S", 0.001)
    async with serving(ok()) as server:
        with await eyeballs.connect([local(1), local(server.port)]) as sock:
            assert sock.getpeername()[1] == server.port
        await asyncio.wait_for(given_up.wait(), 5)


async def test_two_that_answer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is taken, and the other one is closed: no socket is left behind."""
    made: list[socket.socket] = []
    gate = asyncio.Event()

    async def connect(address: eyeballs.Address) -> socket.socket:
        await gate.wait()
        made.append(socket.socket())
        return made[-1]

    monkeypatch.setattr(eyeballs, "_connect", connect)
    monkeypatch.setattr(eyeballs, "_HEAD_START_S", 0.0)
    asyncio.get_running_loop().call_later(0.01, gate.set)
    with await eyeballs.connect([local(1), local(2), local(3)]) as sock:
        async with asyncio.timeout(5):
            while len([one for one in made if one.fileno() >= 0]) != 1:  # noqa: ASYNC110 - until they are closed
                await asyncio.sleep(0)
        assert sock.fileno() >= 0


async def test_nobody_answers() -> None:
    """The error of the first address is told."""
    with pytest.raises(ConnectionRefusedError):
        await eyeballs.connect([local(1), local(2)])
    with pytest.raises(ConnectionRefusedError):
        await eyeballs.connect([local(1)])


async def test_who_said_no_is_told_rather_than_that_no_way_led_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without IPv6 is not offline because the first address has no way; without any way, it is."""
    refused = {2}

    async def connect(address: eyeballs.Address) -> socket.socket:
        raise OSError(errno.ECONNREFUSED if address[1][1] in refused else errno.ENETUNREACH, "x")

    monkeypatch.setattr(eyeballs, "_connect", connect)
    with pytest.raises(ConnectionRefusedError):
        await eyeballs.connect([local(1), local(2), local(3)])
    refused.clear()
    with pytest.raises(OSError, match="x") as gone:
        await eyeballs.connect([local(1), local(2)])
    assert eyeballs.no_network(gone.value)


async def test_a_name_that_was_there_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is remembered, also when look-ups are forgotten: if it is gone, the network is."""

    async def look_up(host: str, port: int) -> list[eyeballs.Address]:
        if host == "bad":
            raise socket.gaierror(socket.EAI_NONAME, "x")
        return [local(port)]

    monkeypatch.setattr(eyeballs, "look_up", look_up)
    names = eyeballs.Names()
    await names.look_up("good", 1)
    with pytest.raises(socket.gaierror):
        await names.look_up("bad", 1)
    names.forget()
    assert (names.was_found("good"), names.was_found("bad")) == (True, False)


async def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that one that does not work costs one attempt, not ten."""
    six, four = socket.AF_INET6, socket.AF_INET

    async def answer(*given: Any, **more: Any) -> Any:
        return [(family, 1, 6, "", (name, 1)) for family, name in ((six, "a"), (six, "b"), (four, "c"), (six, "d"))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
    found = await eyeballs.look_up("x", 1)
    assert [address[0] for _, address in found] == ["a", "c", "b", "d"]


async def test_one_look_up_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who ask together, or soon after, share it; a failure is asked again; `forget` forgets."""
    asked = 0

    async def look_up(host: str, port: int) -> list[eyeballs.Address]:
        nonlocal asked
        asked += 1
        if host == "bad":
            raise OSError
        return [local(port)]

    monkeypatch.setattr(eyeballs, "look_up", look_up)
    names = eyeballs.Names()
    await asyncio.gather(*[names.look_up("good", 1) for _ in range(5)])
    await names.look_up("good", 1)
    assert asked == 1
    names.forget()
    await names.look_up("good", 1)
    assert asked == 2
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011 - as it is
            await names.look_up("bad", 1)
    assert asked == 4


async def test_one_who_asks_no_more_does_not_spoil_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that is cancelled while its name is looked up leaves the look-up to the others."""
    go_on = asyncio.Event()

    async def look_up(host: str, port: int) -> list[eyeballs.Address]:
        await go_on.wait()
        return [local(port)]

    monkeypatch.setattr(eyeballs, "look_up", look_up)
    names = eyeballs.Names()
    first, second = [asyncio.create_task(names.look_up("x", 1)) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    go_on.set()
    assert await second == [local(1)]
    assert first.cancelled()
