"""How a daemon ends: it takes nobody new, lets run what runs, and cuts what does not end in time, with a word."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from daemon.doors.http import HttpDoor
from daemon.doors.keeper import Stopping
from daemon.doors.rpc import RpcDoor
from daemon.errors import ShuttingDown
from daemon.gateway import Gateway, Stop
from daemon.pacing import Pacer
from daemon.phrases import phrase

CUT_S: Final = 1.0
"""How long calls that are cut may take to tell their clients so."""

GRACE_S: Final = 1.0
"""A daemon that was replaced ends when nothing has run for so long: who connected last may not have asked yet."""

_log = logging.getLogger("sluice.app")


class WayIn(Protocol):
    """Where visitors come in: by the socket, or by TCP."""

    async def leave(self) -> None:
        """Take in those who have knocked already, then accept nobody any more."""

    def close(self) -> None:
        """Accept nobody any more."""


class Ending:
    """The end of one daemon. REPLACED: another stands in its place already, so nobody is to notice."""

    def __init__(
        self, gateway: Gateway, pacer: Pacer, http: HttpDoor, rpc: RpcDoor, stopping: Stopping, *, replaced: bool
    ) -> None:
        self._gateway = gateway
        self._pacer = pacer
        self._http = http
        self._rpc = rpc
        self._stopping = stopping
        self._replaced = replaced

    async def run(self, ways: Sequence[WayIn], patience_s: float) -> int:
        """Close the WAYS in, and wait PATIENCE_S at most, or until somebody insists; returns how many calls were
        cut."""
        if self._replaced:
            self._http.leaving = True
            await asyncio.gather(*[way.leave() for way in ways])
        else:
            for way in ways:
                way.close()
        cut = await self._drain(patience_s)
        await self._http.close(1.0)
        self._rpc.close()
        return cut

    async def _drain(self, patience_s: float) -> int:
        self._gateway.catch_up()
        running = self._gateway.running
        _log.info(phrase("log.draining", n=len(running), seconds=patience_s) if running else phrase("log.stopping"))
        drained = asyncio.create_task(self._drained())
        insisted = asyncio.create_task(self._stopping.insisted.wait())
        await asyncio.wait({drained, insisted}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        self._gateway.catch_up()
        cut = len(running)
        if cut:
            _log.warning(phrase("log.cutting", calls=", ".join(running)))
        why = self._why(patience_s)
        self._rpc.cut(why.kind(why.cut))
        for call_id in list(running):  # while the doors are open: who has got nothing yet gets an answer
            self._gateway.cancel(call_id, why)
        if cut:
            await asyncio.wait({drained}, timeout=CUT_S)
        for task in (drained, insisted):
            task.cancel()
        for outcome in await asyncio.gather(drained, insisted, return_exceptions=True):
            if isinstance(outcome, Exception):
                _log.error(phrase("log.broke_stopping"), exc_info=outcome)
        return cut

    def _why(self, patience_s: float) -> Stop:
        """What is said of the calls that are cut."""
        if self._stopping.insisted.is_set():
            at_once = phrase("ended.at_once"), phrase("refused.ended_at_once"), phrase("refused.stopped")
            return Stop(*at_once, ShuttingDown)
        seconds, setting = patience_s, "drain_replaced" if self._replaced else "drain"
        return Stop(
            phrase("ended.drained", seconds=seconds, setting=setting),
            phrase("refused.drained", seconds=seconds, setting=setting),
            phrase("refused.drained_unsent", seconds=seconds, setting=setting),
            ShuttingDown,
        )

    async def _drained(self) -> None:
        """Wait until nothing runs. What still waits in the queue is told to come back later; but when another daemon
        has our place it goes on waiting."""
        while self._replaced:
            await self._gateway.drained()
            await asyncio.sleep(GRACE_S)
            if not self._gateway.running:
                break
        await self._pacer.close()
        await self._gateway.drained()
        await self._rpc.drained()
