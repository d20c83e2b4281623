"""The calls that came in and have not ended, and why some of them are to end before they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from daemon.errors import Cancelled, Refusal
from daemon.gateway.outcome import why_it_stopped
from daemon.model import Call, Event
from daemon.phrases import Phrase, phrase


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a call ends before its time."""

    reason: Phrase
    """For the journal and the log."""
    cut: Phrase
    """What the client of a call that was sent is told, if it has got nothing yet."""
    unsent: Phrase
    """What the client of one that waits in the queue is told."""
    kind: type[Refusal] = Cancelled

    def for_sent(self, call_id: str) -> Refusal:
        """The answer to the client of a call that was sent."""
        return self.kind(self.cut, call=call_id)

    def for_unsent(self) -> Refusal:
        """The answer to the client of a call that waits."""
        return self.kind(self.unsent)


def as_asked() -> Stop:
    """Somebody has cancelled it."""
    return Stop(phrase("ended.as_asked"), phrase("refused.cut"), phrase("refused.cancelled"))


def unread(seconds: float) -> Stop:
    """Its client has not taken the answer for SECONDS. It is not told so: it does not read."""
    why = phrase("ended.unread", seconds=seconds)
    return Stop(why, why, why)


class UnderWay:
    """Which calls run, in which task, and which of them somebody wants to end."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.calls: dict[str, Call] = {}
        """By id."""
        self.ended: Callable[[Event], None] | None = None
        """Told of the end of each call that shares something."""
        self._emit = emit
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._stops: dict[str, Stop] = {}
        """By the ids of running calls that are to end; the others that end early lost their client."""
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
        self._stops.pop(call.id, None)
        if self.calls.pop(call.id, None) is not None:
            if call.sharing is not None and self.ended is not None:
                self.ended(event)
            self._emit(event)
        if not self.calls:
            self._idle.set()

    def named(self, name: str) -> list[Call]:
        """The calls with this id, or with this id of the client's own."""
        return [call for call in self.calls.values() if name in (call.id, call.ref)]

    def stop(self, call_id: str, why: Stop) -> bool:
        """Stop the task of a call; False if there is none any more."""
        task = self._tasks.get(call_id)
        if task is None or task.done():
            return False
        self._stops[call_id] = why
        task.cancel()
        return True

    def note(self, call_id: str, why: Stop) -> None:
        """A call that runs will be ended by others in a moment, and that is WHY."""
        if call_id in self.calls:
            self._stops[call_id] = why

    def stopped(self, call_id: str, how: BaseException) -> Stop | None:
        """Why a call was stopped that ended with HOW; None where nobody has stopped it."""
        return self._stops.get(call_id) if isinstance(how, (asyncio.CancelledError, GeneratorExit)) else None

    def why(self, call_id: str, how: BaseException) -> str:
        """In words, why a call ended with HOW."""
        stop = self.stopped(call_id, how)
        return why_it_stopped(how) if stop is None else stop.reason

    async def drained(self) -> None:
        """Wait until no call is under way."""
        while self.calls:
            self._idle.clear()
            await self._idle.wait()
