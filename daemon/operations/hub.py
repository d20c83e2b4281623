"""Who wants to hear what: subscribers to topics, and watchers of single calls. Readers of the gateway's events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from daemon.model import Event

Listener = Callable[[str, Mapping[str, Any]], None]
"""Called with a topic and its parameters."""

TOPICS = ("queue", "limits", "errors", "warnings", "ended")
GATHER_S = 0.1
"""Seconds in which changes of the queue are gathered into one notification."""


class Hub:
    """Hands events on. Nothing is computed for a topic to which nobody listens."""

    def __init__(self, queue: Callable[[], list[dict[str, Any]]], pools: Callable[[], list[dict[str, Any]]]) -> None:
        self._queue = queue
        self._pools = pools
        self._listeners: dict[str, set[Listener]] = {topic: set() for topic in TOPICS}
        self._watchers: dict[str, Callable[[Mapping[str, Any]], None]] = {}
        self._ended: list[str] = []
        """Ids of calls that have ended since it was last said."""
        self._timer: asyncio.TimerHandle | None = None

    def subscribe(self, topic: str, listener: Listener) -> None:
        """Let LISTENER hear TOPIC from now on."""
        self._listeners[topic].add(listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Take LISTENER off all topics."""
        for listeners in self._listeners.values():
            listeners.discard(listener)

    def watch(self, call_id: str, watcher: Callable[[Mapping[str, Any]], None]) -> None:
        """Tell WATCHER each change of state of one call."""
        self._watchers[call_id] = watcher

    def unwatch(self, call_id: str) -> None:
        """Stop it."""
        self._watchers.pop(call_id, None)

    def hear(self, event: Event) -> None:
        """A sink of the gateway."""
        watcher = self._watchers.get(event.call.id)
        if watcher is not None:
            watcher(state_of(event, None))
        if event.kind == "failed" and event.final:
            self._tell("errors", error_of(event))
        if event.final and self._listeners["ended"]:
            self._ended.append(event.call.id)
        self.changed()

    def changed(self) -> None:
        """The queue or the limits have changed; say so soon, if anybody listens."""
        interested = self._listeners["queue"] or self._listeners["limits"] or self._watchers or self._ended
        if interested and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._tell_changes)

    def warn(self, key: str, words: str) -> None:
        """Tell subscribers what will soon be in their way. KEY is the same for what need not be said twice."""
        self._tell("warnings", {"key": key, "words": words})

    def close(self) -> None:
        """Forget everybody."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for listeners in self._listeners.values():
            listeners.clear()
        self._watchers.clear()

    def _tell_changes(self) -> None:
        self._timer = None
        if self._listeners["queue"] or self._watchers:
            queue = self._queue()
            if self._listeners["queue"]:
                self._tell("queue", {"queue": queue})
            for row in queue:
                watcher = self._watchers.get(row["id"])
                if watcher is not None:
                    watcher(waiting_state(row))
        if self._ended:
            ended, self._ended = self._ended, []
            self._tell("ended", {"calls": ended})
        if self._listeners["limits"]:
            self._tell("limits", {"pools": self._pools()})

    def _tell(self, topic: str, params: Mapping[str, Any]) -> None:
        name = {"errors": "error", "warnings": "warning"}.get(topic, topic)
        for listener in list(self._listeners[topic]):
            listener(name, params)


def state_of(event: Event, row: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters of a `state` notification for one event."""
    state: dict[str, Any] = {"call": event.call.id, "state": event.kind, "attempt": event.attempt, "at": event.at}
    if event.reason:
        state["reason"] = event.reason
    if event.kind == "held" and event.wait_s is not None:
        state["eta_at"] = event.at + event.wait_s
    if event.explanation is not None:
        state["line"] = event.explanation.line
        state["final"] = event.final
    return state


def waiting_state(row: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a `state` notification for a row of the queue."""
    return {
        "call": row["id"],
        "state": "queued",
        "place": row.get("place"),
        "eta_at": row.get("eta_at"),
        "reason": row.get("waits_for"),
    }


def error_of(event: Event) -> dict[str, Any]:
    """The parameters of an `error` notification."""
    return {
        "call": event.call.id,
        "ref": event.call.ref,
        "client": event.call.client,
        "explanation": event.explanation.as_json() if event.explanation is not None else None,
        "message": event.explanation.line if event.explanation is not None else event.reason,
    }
