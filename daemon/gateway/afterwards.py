"""What a client need not wait for: done when the event loop comes to it, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from daemon.phrases import phrase

_log = logging.getLogger("sluice.gateway")


class Afterwards:
    """Steps that are put off to the next turn of the loop: by then the first bytes of an answer are on their way.

    Whoever needs what they do calls `run` first.
    """

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def add(self, step: Callable[[], object]) -> None:
        """Do STEP soon, after those that were added before."""
        if not self._steps:
            asyncio.get_running_loop().call_soon(self.run)
        self._steps.append(step)

    def run(self) -> None:
        """Do now what has not been done. Each step is done once; one that breaks is told in the log, and neither the
        next one nor the call is lost by it."""
        steps, self._steps = self._steps, []
        for step in steps:
            try:
                step()
            except Exception:
                _log.exception(phrase("log.broke_afterwards"))
