"""How a daemon ends: alone, insisted on, or with another in its place."""

from __future__ import annotations

import asyncio
import logging
import types
from collections.abc import Callable
from typing import Any

import pytest

from daemon.doors import ending as module
from daemon.doors.ending import Ending
from daemon.doors.keeper import Stopping
from daemon.errors import ShuttingDown
from daemon.gateway import Stop


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until that is TRUE."""
    while not true():  # noqa: ASYNC110 - a file or a kernel's answer has no event
        await asyncio.sleep(0)


class Parts:
    """Stand-ins that note what is done to them; a call `runs` until `let_end`."""

    def __init__(self, *running: str) -> None:
        self.done: list[str] = []
        self.said: list[ShuttingDown] = []
        """Why what is said to be cut is cut."""
        self.running: dict[str, Any] = dict.fromkeys(running)
        self._idle = asyncio.Event()
        if not running:
            self._idle.set()
        self.gateway = types.SimpleNamespace(
            running=self.running, drained=self._drained, cancel=self._cancel, catch_up=self._catch_up
        )
        self.pacer = types.SimpleNamespace(close=self._note("pacer closed"))
        self.http = types.SimpleNamespace(close=self._note("http closed"), leaving=False)
        self.rpc = types.SimpleNamespace(
            drained=self._note("rpc drained"), close=lambda: self.done.append("rpc closed"), cut=self.said.append
        )
        self.porter = types.SimpleNamespace(leave=self._note("left"), close=lambda: self.done.append("shut"))
        self.stopping = Stopping()

    def _note(self, word: str) -> Any:
        async def note(*given: Any) -> None:
            self.done.append(word)

        return note

    async def _drained(self) -> None:
        await self._idle.wait()

    def _catch_up(self) -> None:
        self.running.pop("over", None)
        if "late" in self.running:  # its end comes while others run
            self.running["over"] = self.running.pop("late")
        if not self.running:
            self._idle.set()

    def _cancel(self, name: str, why: Stop) -> None:
        self.done.append(f"cut {name}")
        for said in (why.for_sent(name), why.for_unsent()):
            assert isinstance(said, ShuttingDown)
            self.said.append(said)
        self.reason = why.reason
        self.let_end()

    def let_end(self) -> None:
        """What runs has ended."""
        self.running.clear()
        self._idle.set()

    async def end(self, patience_s: float, replaced: bool = False) -> int:
        """Run the ending."""
        made = Ending(
            self.gateway, self.pacer, self.http, self.rpc, self.stopping, replaced=replaced  # type: ignore[arg-type]
        )  # fmt: skip
        return await made.run([self.porter], patience_s)


async def test_nothing_runs() -> None:
    """The door is shut first; waiting calls are told; nothing was cut."""
    parts = Parts()
    assert await parts.end(9.0) == 0
    assert parts.done == ["shut", "pacer closed", "rpc drained", "http closed", "rpc closed"]
    assert not parts.http.leaving


async def test_time_is_up() -> None:
    """What still runs is cut while the doors are open, and counted."""
    parts = Parts("c1", "c2")
    assert await parts.end(0.0) == 2
    assert parts.done.index("cut c1") < parts.done.index("http closed")


@pytest.mark.parametrize(("replaced", "setting"), [(False, "drain"), (True, "drain_replaced")])
async def test_the_time_to_end_is_named(replaced: bool, setting: str) -> None:
    """Whoever is cut then reads which time was over, its setting, and what to do; the journal says the same."""
    parts = Parts("c1")
    assert await parts.end(0.25, replaced=replaced) == 1
    assert all(f"after 0.25 s (setting {setting})" in said for said in [*map(str, parts.said), parts.reason])
    assert all("send it again" in str(said) for said in parts.said)


async def test_somebody_insists() -> None:
    """A second request to stop is heard at once, whatever patience there is."""
    parts = Parts("c1")
    ending = asyncio.create_task(parts.end(999.0))
    await asyncio.sleep(0)
    parts.stopping.insisted.set()
    assert await asyncio.wait_for(ending, 5) == 1
    assert "setting" not in parts.reason
    assert all("send it again" in str(said) for said in parts.said), "no time was over: somebody wanted it so"


async def test_what_has_ended_does_not_run(caplog: pytest.LogCaptureFixture) -> None:
    """A call whose end is not settled yet is neither waited for nor told of."""
    parts = Parts("over")
    caplog.set_level(logging.INFO, logger="sluice.app")
    assert await parts.end(9.0) == 0
    assert [record.msg.name for record in caplog.records] == ["log.stopping"]


async def test_what_ended_while_others_ran_is_not_cut() -> None:
    """A call that was answered in the last moment is neither counted nor cut."""
    parts = Parts("late", "c1")
    ending = asyncio.create_task(parts.end(0.05))
    await until(lambda: "cut c1" in parts.done)
    parts.let_end()
    assert await ending == 1
    assert not any("over" in step for step in parts.done)


async def test_another_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has knocked is let in; what waits in the queue goes on waiting, until nothing has run for a while."""
    monkeypatch.setattr(module, "GRACE_S", 0.0)
    parts = Parts("c1")
    ending = asyncio.create_task(parts.end(999.0, replaced=True))
    await until(lambda: "left" in parts.done)
    assert parts.http.leaving
    for _ in range(10):
        await asyncio.sleep(0)
    assert "pacer closed" not in parts.done
    parts.let_end()
    assert await asyncio.wait_for(ending, 5) == 0
    assert parts.done == ["left", "pacer closed", "rpc drained", "http closed", "rpc closed"]
