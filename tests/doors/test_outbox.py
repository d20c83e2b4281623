"""Text gathered into deltas, and the newest state for a slow reader."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from daemon.doors import outbox as module
from daemon.doors.outbox import Outbox


class Box:
    """An outbox and what it writes."""

    def __init__(self) -> None:
        self.written: list[Mapping[str, Any]] = []
        self.box = Outbox(self.written.append)

    def deltas(self) -> list[tuple[Any, int, str]]:
        """(id, number, text) of each delta."""
        return [(m["params"]["id"], m["params"]["seq"], m["params"]["text"]) for m in self.written]


async def test_the_first_text_comes_at_once() -> None:
    """Then it is gathered until the time is over, or until somebody flushes."""
    here = Box()
    for text in "abc":
        here.box.delta(1, "c1", text)
    assert here.deltas() == [(1, 1, "a")]
    here.box.flush()
    assert here.deltas() == [(1, 1, "a"), (1, 2, "bc")]
    here.box.flush()
    assert len(here.written) == 2


async def test_time_flushes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gathered text goes out by itself."""
    monkeypatch.setattr(module, "DELTA_S", 0.0)
    here = Box()
    here.box.delta(1, "c1", "a")
    here.box.delta(1, "c1", "b")
    await asyncio.sleep(0.002)
    assert here.deltas() == [(1, 1, "a"), (1, 2, "b")]


async def test_calls_are_kept_apart() -> None:
    """Each request counts its own deltas, and begins anew when its id is used again."""
    here = Box()
    for tag, text in [(1, "a"), (2, "x"), (1, "b"), (2, "y")]:
        here.box.delta(tag, f"c{tag}", text)
    here.box.flush()
    assert here.deltas() == [(1, 1, "a"), (2, 1, "x"), (1, 2, "b"), (2, 2, "y")]
    here.box.forget(1)
    here.box.delta(1, "c1", "new")
    here.box.delta(2, "c2", "z")
    here.box.flush()
    assert here.deltas()[4:] == [(1, 1, "new"), (2, 3, "z")]


async def test_a_slow_reader() -> None:
    """While it does not read, only the newest queue and limits are kept and text grows; nothing else waits."""
    here = Box()
    here.box.paused = True
    for number in range(3):
        here.box.notify("queue", {"n": number})
        here.box.notify("limits", {"n": number})
        here.box.delta(1, "c1", str(number))
    here.box.notify("state", {"now": True})
    assert [message["method"] for message in here.written] == ["state"]
    here.box.paused = False
    here.box.flush()
    assert [(m["method"], m["params"].get("n"), m["params"].get("text")) for m in here.written[1:]] == [
        ("delta", None, "012"),
        ("queue", 2, None),
        ("limits", 2, None),
    ]


async def test_stopping() -> None:
    """A visitor who has left is written to no more."""
    here = Box()
    here.box.delta(1, "c1", "a")
    here.box.delta(1, "c1", "b")
    here.box.stop()
    here.box.stop()
    await asyncio.sleep(module.DELTA_S * 1.5)
    assert len(here.written) == 1
