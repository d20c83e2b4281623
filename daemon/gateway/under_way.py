"""The calls that came in and have not ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from daemon.model import Call, Event


class UnderWay:
    """Which calls run, in which task, and which of them somebody wants to stop."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.calls: dict[str, Call] = {}
        """By id."""
        self.ended: Callable[[Event], None] | None = None
        """Told of the end of each call that shares something."""
        self._emit = emit
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._asked_to_stop: set[str] = set()
        """Ids of running calls that somebody cancelled; the others that end early lost their client."""
        self._idle = asyncio.Event()

    def begin(self, call: Call) -> None:
        """CALL has come in, and the present task carries it."""
        self.calls[call.id] = call
        task = asyncio.current_task()
        if task is not None:
            self._tasks[call.id] = task

    def end(self, event: Event) -> None:
        """The end of a call; told only once."""
        call = event.call
        self._tasks.pop(call.id, None)
        self._asked_to_stop.discard(call.id)
        if self.calls.pop(call.id, None) is not None:
            if call.sharing is not None and self.ended is not None:
                self.ended(event)
            self._emit(event)
        if not self.calls:
            self._idle.set()

    def named(self, name: str) -> list[Call]:
        """The calls with this id, or with this id of the client's own."""
        return [call for call in self.calls.values() if name in (call.id, call.ref)]

    def stop(self, call_id: str) -> bool:
        """Stop the task of a call; False if there is none any more."""
        task = self._tasks.get(call_id)
        if task is None or task.done():
            return False
        self._asked_to_stop.add(call_id)
        task.cancel()
        return True

    def is_asked_to_stop(self, call_id: str) -> bool:
        """True if somebody stopped it."""
        return call_id in self._asked_to_stop

    async def drained(self) -> None:
        """Wait until no call is under way."""
        while self.calls:
            self._idle.clear()
            await self._idle.wait()
