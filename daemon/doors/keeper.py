"""Looks after our place while we serve, and knows when that ends: told to stop, replaced, or of no use to anybody."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from typing import Final, Protocol

from daemon.doors.idleness import Idleness
from daemon.doors.porter import Porter
from daemon.doors.rundir import AlreadyRunning
from daemon.doors.standing import Standing
from daemon.errors import ConfigError, InvalidCall, ShuttingDown
from daemon.pacing.reasons import duration
from daemon.phrases import phrase

CHECK_S: Final = 60.0
"""How often we see whether our socket is still there. Nothing in an idle daemon wakes more often."""

CONFIRM_S: Final = 10.0
"""How long our locks stay free for a daemon that wants our place, and does not come."""

SAME_S: Final = 0.5
"""Two requests to stop within this time are one: `timeout` and some terminals signal the process and its group."""

_log = logging.getLogger("sluice.app")


class Stopping:
    """Who asks to stop means: when calls have ended. Who asks once more means now."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.insisted = asyncio.Event()
        self._asked_at = 0.0

    def told(self) -> None:
        """A signal has come."""
        at = asyncio.get_running_loop().time()
        if not self.asked.is_set():
            self._asked_at = at
            self.asked.set()
        elif at - self._asked_at >= SAME_S:
            self.insisted.set()


class Closing(Protocol):
    """A visitor's connection, as far as it matters here."""

    def on_close(self, action: Callable[[], None]) -> None:
        """Run ACTION when the connection ends."""


class Keeper:
    """Keeps our standing, and gives it away when another daemon asks.

    The order: we free our locks and go on serving; the other takes them and puts its socket in the place of ours; it
    says so, and only then we stop. Wherever that breaks off, somebody listens.
    """

    def __init__(
        self,
        standing: Standing,
        porter: Porter,
        stopping: Stopping,
        *,
        alive: Callable[[], None] = lambda: None,
        every_s: float = CHECK_S,
        idleness: Idleness | None = None,
    ) -> None:
        """ALIVE is called at each look: for a watchdog. IDLENESS knows when nobody needs us any more."""
        self.replaced = False
        """True when another daemon stands in our place."""
        self._standing = standing
        self._porter = porter
        self._stopping = stopping
        self._alive = alive
        self._every_s = every_s
        self._idleness = idleness
        self._confirm: asyncio.TimerHandle | None = None
        self._complaint = ""
        self._open_mode = ""
        self._strangers = 0
        self._looking: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        """Look from time to time, until cancelled, or until nobody needs us any more."""
        self._see_who_may_come()
        while True:
            await asyncio.sleep(self._every_s)
            await self.look()
            if self._idleness is not None and await self._idleness.over():
                _log.info(phrase("log.unused", wait=duration(self._idleness.after_s)))
                self._stopping.asked.set()
                return

    async def look(self) -> None:
        """See whether we still stand in our place, and mend it. Never raises."""
        self._alive()
        self._see_who_may_come()
        try:
            if (sock := self._standing.look()) is not None:
                await self._open(sock)
        except AlreadyRunning as other:
            _log.error(phrase("log.displaced", pid=str(other.pid)))
            self._gone()
            return
        except ConfigError as error:
            self._complain(error.message)
            return
        self._complaint = ""

    def _see_who_may_come(self) -> None:
        """Warn, once, of a socket that others may open, and of others who came: they are turned away, and the folder
        and the mode should have kept them out before."""
        place, mode = self._standing.path, self._standing.open_to_others()
        if mode and mode != self._open_mode:
            _log.warning(phrase("log.open_socket", place=str(place), mode=mode))
        self._open_mode = mode
        if self._porter.turned_away and not self._strangers:
            self._strangers = self._porter.turned_away
            _log.warning(phrase("log.strangers", n=self._strangers, place=str(place), folder=str(place.parent)))

    async def _open(self, sock: socket.socket) -> None:
        """Accept on SOCK, too. Raises ConfigError, and then the next look makes another."""
        try:
            await self._porter.open(sock)
        except ConfigError:
            self._standing.forget()
            raise
        _log.warning(phrase("log.socket_back"))

    def hand_over(self, session: Closing, *, done: bool) -> int:
        """Free our locks for the daemon that asks; when it is DONE, end. Returns our pid. Raises InvalidCall for a
        socket that systemd has made, and ShuttingDown when we end already."""
        if self._standing.given:
            raise InvalidCall(phrase("taken.by_systemd"))
        if self._stopping.asked.is_set():
            raise ShuttingDown(phrase("refused.stopping"))
        if done and not self._standing.free:
            raise InvalidCall(phrase("taken.not_free"))
        if done:
            self._gone()
        elif not self._standing.free:
            self._standing.release()
            session.on_close(self._take_back)
            self._confirm = asyncio.get_running_loop().call_later(CONFIRM_S, self._take_back)
        else:
            raise InvalidCall(phrase("taken.handing"))
        return os.getpid()

    def _gone(self) -> None:
        self.replaced = True
        self._stand_still()
        self._stopping.asked.set()

    def _take_back(self) -> None:
        """Whoever wanted our place did not come."""
        self._stand_still()
        if self.replaced or not self._standing.free:
            return
        try:
            self._standing.regain()
        except (AlreadyRunning, ConfigError) as error:
            why = error.message if isinstance(error, ConfigError) else f"pid {error.pid}"
            _log.warning(phrase("log.locks_gone", why=why))
            self._gone()
            return
        _log.warning(phrase("log.no_heir"))
        self._looking = asyncio.get_running_loop().create_task(self.look())

    def _stand_still(self) -> None:
        if self._confirm is not None:
            self._confirm.cancel()
            self._confirm = None

    def _complain(self, why: str) -> None:
        """Once for each trouble, not at each look."""
        if why != self._complaint:
            _log.error(phrase("log.socket_gone", why=why))
        self._complaint = why
