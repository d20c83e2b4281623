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
MANY = 100
GATHER_MANY_S = 1.0
"""The same while more than MANY calls wait: each of them moves with every one that goes, and to look at all takes time
that calls need."""
VISIBLE_S = 1.0
"""A call's expected time is told again when it has moved by so much."""


class Hub:
    """Hands events on. Nothing is computed for a topic to which nobody listens."""

    def __init__(self, queue: Callable[[], list[dict[str, Any]]], pools: Callable[[], list[dict[str, Any]]]) -> None:
        self._queue = queue
        self._pools = pools
        self._listeners: dict[str, set[Listener]] = {topic: set() for topic in TOPICS}
        self._watchers: dict[str, Callable[[Mapping[str, Any]], None]] = {}
        self._told: dict[str, Mapping[str, Any]] = {}
        """What the watchers of waiting calls heard last."""
        self._waiting = 0
        """How many calls waited when it was last looked."""
        self._ended: list[str] = []
        """Ids of calls that have ended since it was last said."""
        self._timer: asyncio.TimerHandle | None = None
        self._heeded = False
        """Anybody listens or watches, or is still to be told something. Mostly nobody does."""

    def subscribe(self, topic: str, listener: Listener) -> None:
        """Let LISTENER hear TOPIC from now on."""
        self._listeners[topic].add(listener)
        self._heeded = True

    def unsubscribe(self, listener: Listener) -> None:
        """Take LISTENER off all topics."""
        for listeners in self._listeners.values():
            listeners.discard(listener)
        self._count()

    def watch(self, call_id: str, watcher: Callable[[Mapping[str, Any]], None]) -> None:
        """Tell WATCHER each change of state of one call."""
        self._watchers[call_id] = watcher
        self._heeded = True

    def unwatch(self, call_id: str) -> None:
        """Stop it."""
        self._watchers.pop(call_id, None)
        self._told.pop(call_id, None)
        self._count()

    def _count(self) -> None:
        self._heeded = bool(any(self._listeners.values()) or self._watchers or self._ended)

    def hear(self, event: Event) -> None:
        """A sink of the gateway."""
        if not self._heeded:
            return
        watcher = self._watchers.get(event.call.id)
        if watcher is not None:
            self._told.pop(event.call.id, None)
            watcher(state_of(event, None))
        if event.kind == "failed" and event.final:
            self._tell("errors", error_of(event))
        if event.final and self._listeners["ended"]:
            self._ended.append(event.call.id)
        self.changed()

    def changed(self) -> None:
        """The queue or the limits have changed; say so soon, if anybody listens."""
        if not self._heeded:
            return
        interested = self._listeners["queue"] or self._listeners["limits"] or self._watchers or self._ended
        if interested and self._timer is None:
            gather_s = GATHER_S if self._waiting <= MANY else GATHER_MANY_S
            self._timer = asyncio.get_running_loop().call_later(gather_s, self._tell_changes)

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
        self._told.clear()
        self._count()

    def _tell_changes(self) -> None:
        self._timer = None
        if self._listeners["queue"] or self._watchers:
            queue = self._queue()
            self._waiting = len(queue)
            if self._listeners["queue"]:
                self._tell("queue", {"queue": queue})
            for row in queue:
                if row["id"] in self._watchers:
                    self._tell_watcher(row)
        if self._ended:
            ended, self._ended = self._ended, []
            self._tell("ended", {"calls": ended})
        if self._listeners["limits"]:
            self._tell("limits", {"pools": self._pools()})
        self._count()

    def _tell_watcher(self, row: Mapping[str, Any]) -> None:
        """Tell the watcher of a waiting call its place, unless nobody would see a difference."""
        state, last = waiting_state(row), self._told.get(row["id"])
        if last is None or _looks_other(state, last):
            self._told[row["id"]] = state
            self._watchers[row["id"]](state)

    def _tell(self, topic: str, params: Mapping[str, Any]) -> None:
        name = {"errors": "error", "warnings": "warning"}.get(topic, topic)
        for listener in list(self._listeners[topic]):
            listener(name, params)


def _looks_other(state: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    """True if a person would see that a waiting call's state has changed."""
    if state["place"] != last["place"] or state["reason"] != last["reason"]:
        return True
    eta, before = state["eta_at"], last["eta_at"]
    return eta is not before and (eta is None or before is None or abs(eta - before) >= VISIBLE_S)


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
