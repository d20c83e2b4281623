"""Knows when nobody has used the daemon for long, and ends its accepting in a moment in which nobody is lost.

That is only for a socket which somebody else holds as well: who connects later waits there, and another daemon is
started for them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from daemon.doors.porter import Porter
from daemon.errors import ConfigError


class Idleness:
    """Asked now and then, while the daemon is awake anyhow. It has no timer of its own."""

    def __init__(
        self,
        porter: Porter,
        after_s: float,
        *,
        busy: Callable[[], bool],
        stored: Callable[[], Awaitable[bool]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """BUSY: a call is under way, or a connection open. STORED: what happened is on disk. CLOCK: seconds."""
        self.after_s = after_s
        self._porter = porter
        self._busy = busy
        self._stored = stored
        self._clock = clock
        self._since = clock()
        self._came = 0

    async def over(self) -> bool:
        """True if nobody has been here for so long. Then nobody is accepted any more, and we must end."""
        if self._in_use() or self._clock() - self._since < self.after_s or not await self._stored():
            return False
        await self._porter.pause()
        if not self._in_use():
            self._porter.close()
            return True
        try:
            await self._porter.resume()
        except (ConfigError, OSError):  # deaf, we are of no use: those who are in are served to their end
            self._porter.close()
            return True
        return False

    def _in_use(self) -> bool:
        """True if somebody is here, or was since the last look."""
        came, self._came = self._porter.came_so_far != self._came, self._porter.came_so_far
        if came or self._porter.silent or self._busy():
            self._since = self._clock()
            return True
        return False
