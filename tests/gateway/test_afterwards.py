"""Steps that are put off to the next turn of the loop."""

from __future__ import annotations

import asyncio

import pytest

from daemon.gateway.afterwards import Afterwards


async def test_steps_are_done_by_the_loop() -> None:
    """In their order, in the next turn, each once; also those that are added later."""
    done: list[int] = []
    later = Afterwards()
    later.add(lambda: done.append(1))
    later.add(lambda: done.append(2))
    assert done == []
    await asyncio.sleep(0)
    assert done == [1, 2]
    later.add(lambda: done.append(3))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done == [1, 2, 3]


async def test_steps_are_done_sooner_when_they_are_needed() -> None:
    """Then the loop finds nothing to do."""
    done: list[int] = []
    later = Afterwards()
    later.add(lambda: done.append(1))
    later.run()
    assert done == [1]
    later.run()
    await asyncio.sleep(0)
    assert done == [1]


async def test_a_step_that_breaks(caplog: pytest.LogCaptureFixture) -> None:
    """It is told in the log; the others are done, and whoever needed them goes on."""
    done: list[int] = []
    later = Afterwards()
    later.add(lambda: done.append(1 // 0))
    later.add(lambda: done.append(1))
    later.run()
    await asyncio.sleep(0)
    assert done == [1]
    assert "ZeroDivisionError" in caplog.text
