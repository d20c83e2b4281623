"""What a client need not wait for: done when there is time, in order."""

from __future__ import annotations

import logging
from collections.abc import Callable

from daemon.phrases import phrase

_log = logging.getLogger("sluice.gateway")


class Afterwards:
    """Steps that are put off until what came of an answer is on its way to the client, or more of it is waited for.

    Whoever needs what they do calls `run` first.
    """

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def __bool__(self) -> bool:
        """True while something is to be done."""
        return bool(self._steps)

    def add(self, step: Callable[[], object]) -> None:
        """Do STEP in the next `run`, after those that were added before."""
        self._steps.append(step)

    def run(self) -> None:
        """Do now what has not been done. Each step is done once; one that breaks is told in the log, and neither the
        next one nor the call is lost by it."""
        if not self._steps:
            return
        steps, self._steps = self._steps, []
        for step in steps:
            try:
                step()
            except Exception:
                _log.exception(phrase("log.broke_afterwards"))
