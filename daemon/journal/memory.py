"""The pacer's memory: small texts in the same database, at hand without asking it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from daemon.journal import statements as sql
from daemon.journal.batch import Item

MOST: Final = 1_000
"""Values of one kind. Keys that change every hour, or models that somebody invents, must not fill memory and file: what
was written longest ago is forgotten."""

PATIENCE_S: Final = 2.0
"""How long `remember_now` and the first `recall` wait for the disk; then calls are more important."""

A_MOMENT_S: Final = 0.05
"""How often `remember_now` looks whether the writer has begun something long, for which nobody waits."""


class Remembered:
    """What is remembered, in this process; shared by the event loop and the writer's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[str, str]] = {}

    def merge(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Take (kind, key, value) from a file, the oldest first; what is known already stands, and is newer."""
        found: dict[str, dict[str, str]] = {}
        for kind, key, value in rows:
            found.setdefault(kind, {})[key] = value
        with self._lock:
            for kind, values in found.items():
                self._values[kind] = values | self._values.get(kind, {})

    def kind(self, kind: str) -> dict[str, str]:
        """A copy of all values of KIND."""
        with self._lock:
            return dict(self._values.get(kind, {}))

    def put(self, kind: str, key: str, value: str) -> list[str]:
        """Keep VALUE; return the keys that had to go for it."""
        with self._lock:
            values = self._values.setdefault(kind, {})
            values.pop(key, None)
            values[key] = value
            gone = list(values)[:-MOST] if len(values) > MOST else []
            for old in gone:
                del values[old]
        return gone

    def drop(self, kind: str, key: str) -> None:
        """Drop it."""
        with self._lock:
            self._values.get(kind, {}).pop(key, None)

    def all(self) -> list[dict[str, str]]:
        """Everything, as parameters of a statement."""
        with self._lock:
            return [
                {"kind": kind, "key": key, "value": value}
                for kind, values in self._values.items()
                for key, value in values.items()
            ]


class DiskMemory:
    """`daemon.model.Memory` on the journal's database. Never raises, and never waits longer than two seconds."""

    def __init__(
        self, values: Remembered, put: Callable[[Item], None], ready: threading.Event, busy: threading.Event
    ) -> None:
        """READY: the file has been read. BUSY: set while the writer does what may take many seconds."""
        self._values = values
        self._put = put
        self._ready = ready
        self._busy = busy

    def recall(self, kind: str) -> Mapping[str, str]:
        """All remembered values of KIND; waits until the file has been read."""
        self._ready.wait(PATIENCE_S)
        return self._values.kind(kind)

    def remember(self, kind: str, key: str, value: str) -> None:
        """Keep VALUE; on disk in a moment."""
        self._put(Item(self._writes(kind, key, value)))

    def remember_now(self, kind: str, key: str, value: str) -> None:
        """Keep VALUE; on disk before this returns, if the disk is well. While the writer is busy for long, as when the
        file is written anew, it is only queued: this is called on the event loop, where all calls would wait."""
        stored = threading.Event()
        self._put(Item(self._writes(kind, key, value), done=lambda _: stored.set(), urgent=True))
        for _ in range(round(PATIENCE_S / A_MOMENT_S)):
            if self._busy.is_set() or stored.wait(A_MOMENT_S):
                return

    def forget(self, kind: str, key: str) -> None:
        """Drop it."""
        self._values.drop(kind, key)
        self._put(Item([(sql.FORGET, {"kind": kind, "key": key})]))

    def _writes(self, kind: str, key: str, value: str) -> list[tuple[str, dict[str, str]]]:
        """Keep VALUE here; what is to be written for it."""
        gone = self._values.put(kind, key, value)
        forgotten = [(sql.FORGET, {"kind": kind, "key": old}) for old in gone]
        return [(sql.REMEMBER, {"kind": kind, "key": key, "value": value}), *forgotten]
