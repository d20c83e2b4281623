"""An asyncio event loop whose time jumps to the next timer: the asynchronous shell is tested without sleeping."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class JumpingSelector(selectors.SelectSelector):
    """Never waits: it moves the loop's clock by what it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.wakes = 0
        """How often the loop had to wait for a timer."""

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("nothing is left that could happen: the loop would wait for ever")
        if timeout > 0:
            self.wakes += 1
            self.now += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = JumpingSelector()
        super().__init__(self.jumping)
        self.least_delay_s = 0.0
        """Of those that anybody asked a timer for; asyncio takes one below zero for none."""

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        """As ever, and noted."""
        self.least_delay_s = min(self.least_delay_s, delay)
        return super().call_later(delay, callback, *args, context=context)

    def time(self) -> float:
        return self.jumping.now


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run MAIN to its end in virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        if pending:
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.close()
