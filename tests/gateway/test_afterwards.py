"""Steps that are put off until there is time for them."""

from __future__ import annotations

import pytest

from daemon.gateway.afterwards import Afterwards


def test_steps_are_done_in_order_and_once() -> None:
    """Nothing is done before `run`; then each step is, and those that are added later in the next one."""
    done: list[int] = []
    later = Afterwards()
    later.add(lambda: done.append(1))
    later.add(lambda: done.append(2))
    assert done == []
    later.run()
    later.run()
    assert done == [1, 2]
    later.add(lambda: done.append(3))
    later.run()
    assert done == [1, 2, 3]


def test_a_step_that_breaks(caplog: pytest.LogCaptureFixture) -> None:
    """It is told in the log; the others are done, and whoever needed them goes on."""
    done: list[int] = []
    later = Afterwards()
    later.add(lambda: done.append(1 // 0))
    later.add(lambda: done.append(1))
    later.run()
    assert done == [1]
    assert "ZeroDivisionError" in caplog.text
