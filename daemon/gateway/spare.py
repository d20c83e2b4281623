"""What no call waits for, done a moment later and for several calls at once, so that it does not stand before the next
call of a client that has its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from daemon.gateway.afterwards import Afterwards

SPARE_S: Final = 0.003
"""So much later at most. Nobody sees it, and a client that sends one call after the other has had some seven answers in
that time."""


class Spare:
    """Steps of all calls, in order. Who needs to know what they do calls `run` first."""

    def __init__(self, within_s: float = 0.0) -> None:
        """WITHIN_S: seconds after which a step is done at the latest; with 0 it is done at once."""
        self._within_s = within_s
        self._steps = Afterwards()
        self._timer: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        """True while something is to be done."""
        return bool(self._steps)

    def add(self, step: Callable[[], object]) -> None:
        """Do STEP soon, after those that were added before."""
        self._steps.add(step)
        if self._within_s <= 0:
            self._steps.run()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._within_s, self.run)

    def close(self) -> None:
        """Do now what has not been done, and from now on each step at once."""
        self._within_s = 0.0
        self.run()

    def run(self) -> None:
        """Do now what has not been done, and what that adds."""
        while self._steps:
            self._steps.run()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
