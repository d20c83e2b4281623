"""Who looks after our place, gives it away, and knows when we end."""

from __future__ import annotations

import asyncio
import logging
import types
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.doors import keeper as module
from daemon.doors import porter, rundir
from daemon.doors.keeper import Keeper, Stopping
from daemon.doors.standing import Standing
from daemon.errors import InvalidCall, ShuttingDown


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until that is TRUE."""
    while not true():  # noqa: ASYNC110 - a file or a kernel's answer has no event
        await asyncio.sleep(0)


class Session:
    """A connection whose end a test decides."""

    def __init__(self) -> None:
        self.closers: list[Callable[[], None]] = []

    def on_close(self, action: Callable[[], None]) -> None:
        """Keep it."""
        self.closers.append(action)

    def close(self) -> None:
        """End."""
        for closer in self.closers:
            closer()


class Here:
    """A keeper at work, with all around it."""

    def __init__(self, place: Path, door: porter.Porter, standing: Standing) -> None:
        self.place, self.door, self.standing = place, door, standing
        self.stopping, self.session, self.beats = Stopping(), Session(), 0
        self.keeper = Keeper(standing, door, self.stopping, alive=self.beat, every_s=0.001)

    def beat(self) -> None:
        """Count."""
        self.beats += 1

    def reachable(self) -> bool:
        """True if a visitor finds our socket."""
        import socket

        with socket.socket(socket.AF_UNIX) as visitor:
            return visitor.connect_ex(str(self.place / "s")) == 0


@pytest.fixture
async def here(place: Path) -> AsyncIterator[Here]:
    """A keeper of a place in which a porter works."""
    lock = rundir.Lock(place / "lock")
    door = porter.Porter(asyncio.Protocol, asyncio.Protocol)
    await door.open(rundir.bind(place / "s"))
    standing = Standing(place / "s", [lock])
    made = Here(place, door, standing)
    yield made
    door.close()
    standing.end()


async def test_a_deleted_socket_comes_back(here: Here, caplog: Any) -> None:
    """The watch finds it gone, opens another, feeds the watchdog, and says so once."""
    watching = asyncio.create_task(here.keeper.watch())
    (here.place / "s").rename(here.place / "gone")
    with caplog.at_level(logging.WARNING, logger="sluice"):
        await until(lambda: caplog.records)
    assert here.reachable()
    watching.cancel()
    assert here.beats >= 1
    assert [record.message for record in caplog.records] == ["our socket was gone; it is there again"]
    assert not here.stopping.asked.is_set()


async def test_the_end_of_a_daemon_that_nobody_uses(here: Here, caplog: Any) -> None:
    """The watch asks for it when it looks, and at no other time; it is said with the setting, and the daemon ends as if
    it had been told to."""
    asked = 0

    async def over() -> bool:
        nonlocal asked
        asked += 1
        assert here.beats == asked
        return asked == 3

    here.keeper._idleness = types.SimpleNamespace(after_s=1800.0, over=over)  # type: ignore[assignment]
    with caplog.at_level(logging.INFO, logger="sluice"):
        await here.keeper.watch()
    assert asked == 3
    assert here.stopping.asked.is_set()
    assert not here.keeper.replaced
    (record,) = caplog.records
    assert "30 min" in record.message
    assert "idle_exit" in record.message


async def test_what_cannot_be_mended_is_said_once(here: Here, caplog: Any) -> None:
    """A file in the socket's place: one line in the log, not one a minute; and it is mended when the file goes."""
    (here.place / "s").unlink()
    (here.place / "s").write_text("")
    with caplog.at_level(logging.ERROR, logger="sluice"):
        await here.keeper.look()
        await here.keeper.look()
    assert len(caplog.records) == 1
    (here.place / "s").unlink()
    await here.keeper.look()
    assert here.reachable()


async def test_a_socket_that_others_may_open(here: Here, caplog: Any) -> None:
    """Row 35: we are served as before, and one line says so, with the mend; again when it was mended and is open once
    more, but not at each look."""
    with caplog.at_level(logging.WARNING, logger="sluice"):
        await here.keeper.look()
        assert not caplog.records
        for _ in range(2):
            (here.place / "s").chmod(0o777)
            await here.keeper.look()
            await here.keeper.look()
            (here.place / "s").chmod(0o600)
            await here.keeper.look()
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert f"{here.place / 's'} can be opened by others (mode 0777)" in caplog.text
    assert f"run: chmod 600 {here.place / 's'}" in caplog.text
    assert here.reachable()


async def test_an_open_socket_is_told_at_the_start(here: Here, caplog: Any) -> None:
    """systemd makes it with 0666 unless told otherwise: nobody has to wait a minute to hear of that."""
    (here.place / "s").chmod(0o666)
    here.keeper._every_s = 999.0
    with caplog.at_level(logging.WARNING, logger="sluice"):
        watching = asyncio.create_task(here.keeper.watch())
        await until(lambda: caplog.records)
    watching.cancel()
    assert "SocketMode=0600" in caplog.text


async def test_visitors_of_another_user(here: Here, caplog: Any) -> None:
    """That some were turned away is told once, with what lets them come so far."""
    here.door.turned_away = 3
    with caplog.at_level(logging.WARNING, logger="sluice"):
        await here.keeper.look()
        here.door.turned_away = 4
        await here.keeper.look()
    assert len(caplog.records) == 1
    assert "other users: 3" in caplog.text
    assert f"chmod 700 {here.place}" in caplog.text


async def test_another_daemon_in_our_place(here: Here) -> None:
    """Somebody deleted our lock and started a second one: we go, since clients find that one."""
    (here.place / "lock").unlink()
    second = rundir.Lock(here.place / "lock")
    await here.keeper.look()
    assert here.keeper.replaced
    assert here.stopping.asked.is_set()
    second.release()


async def test_handing_over(here: Here) -> None:
    """First the locks are free while we serve; then, and only then, we end as one that was replaced. The end of the
    other's connection changes nothing any more."""
    with pytest.raises(InvalidCall, match="not asked for"):
        here.keeper.hand_over(here.session, done=True)
    here.keeper.hand_over(here.session, done=False)
    assert not here.stopping.asked.is_set()
    assert here.reachable()
    other = rundir.Lock(here.place / "lock")
    with pytest.raises(InvalidCall, match="just taking"):
        here.keeper.hand_over(Session(), done=False)
    here.keeper.hand_over(here.session, done=True)
    here.session.close()
    assert here.keeper.replaced
    assert here.stopping.asked.is_set()
    with pytest.raises(ShuttingDown):
        here.keeper.hand_over(here.session, done=False)
    other.release()


@pytest.mark.parametrize("socket_gone", [False, True])
async def test_whoever_does_not_come(here: Here, socket_gone: bool) -> None:
    """The other dies after it got our locks: we have them again, and a socket too, wherever the other was."""
    here.keeper.hand_over(here.session, done=False)
    if socket_gone:
        (here.place / "s").unlink()
    here.session.close()
    with pytest.raises(rundir.AlreadyRunning):
        rundir.Lock(here.place / "lock")
    await until(here.reachable)
    assert not here.stopping.asked.is_set()


async def test_whoever_keeps_us_waiting(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that stays open without a word: after a while the locks are ours again."""
    monkeypatch.setattr(module, "CONFIRM_S", 0.0)
    here.keeper.hand_over(here.session, done=False)
    await until(lambda: not here.standing.free)
    assert not here.stopping.asked.is_set()


async def test_a_third_was_quicker(here: Here) -> None:
    """The locks were free, and a third daemon has taken them: we go."""
    here.keeper.hand_over(here.session, done=False)
    third = rundir.Lock(here.place / "lock")
    here.session.close()
    assert here.keeper.replaced
    third.release()


async def test_a_socket_of_systemd_is_not_given_away(here: Here) -> None:
    """There is a better way then, and it is told."""
    here.standing.given = True
    with pytest.raises(InvalidCall, match="systemctl --user restart"):
        here.keeper.hand_over(here.session, done=False)


async def test_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two signals at once are one; one that comes later insists."""
    stopping = Stopping()
    stopping.told()
    stopping.told()
    assert stopping.asked.is_set()
    assert not stopping.insisted.is_set()
    monkeypatch.setattr(module, "SAME_S", 0.0)
    stopping.told()
    assert stopping.insisted.is_set()
