"""Clocks that survive a laptop's sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)
COUNTS_SLEEP = _BOOTTIME is not None
"""True where `boottime` goes on while the machine sleeps."""


boottime: Final[Callable[[], float]] = time.monotonic if _BOOTTIME is None else partial(time.clock_gettime, _BOOTTIME)
"""Returns seconds that also pass while the machine sleeps (Linux); elsewhere the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """The machine slept."""

    gap_s: float
    stood_still_s: float
    """How much of it our clock did not count; 0 with a clock like `boottime`."""


@dataclass(slots=True)
class SleepWatch:
    """Sees that the machine has slept: a timer came much later than asked for, or, if our clock stands still with the
    machine, the wall clock ran ahead of it."""

    slack_s: float = 5.0
    """A busy machine delays timers; less than this is no sleep."""
    counts_sleep: bool = False
    """Our clock goes on meanwhile. Then a wall clock that ran ahead has been set, and limits are not free for that."""
    _at: float | None = None
    _wall: float = 0.0

    def look(self, now: float, wall: float, due: float | None) -> Sleep | None:
        """Return the sleep since the last look, if there was one.

        DUE is the instant for which our timer was set, on the clock of NOW; timers stand still with the machine. The
        wall clock counts only when ours stands still, and it ran ahead by less than a day: a person may have set it.
        """
        before, self._at = self._at, now
        wall_before, self._wall = self._wall, wall
        if before is None:
            return None
        late = now - due if due is not None else 0.0
        ahead = (wall - wall_before) - (now - before)
        stood_still = ahead if not self.counts_sleep and 86_400 >= ahead > self.slack_s else 0.0
        gap = max(late, stood_still)
        return Sleep(gap, stood_still) if gap > self.slack_s else None
