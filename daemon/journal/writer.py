"""The one thread that writes. Events come in by a queue and go out in batches, one transaction each.

A call is written when it has ended, all of it at once; before that only when it has been running for a second, or when
somebody waits for what was recorded so far (`flush`).

State: a queue in front, what could not be stored yet, and the connection, which may have lost its file. Nothing here
can stop a call: whatever breaks ends as words in `health`, writes wait in memory for the next attempt, and when there
are too many the oldest are dropped and counted.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from daemon.journal.batch import Item, transact
from daemon.journal.connection import Connection
from daemon.journal.housekeeping import Housekeeping
from daemon.journal.memory import Remembered
from daemon.journal.rows import Rows
from daemon.model import Event
from daemon.phrases import phrase

log = logging.getLogger("sluice.journal")

MAX_QUEUED: Final = 20_000
"""Events that may wait in front of the thread."""

A_BATCH: Final = 600
"""Events, of a hundred calls, for which the thread does not wait for more: they hold prompts and answers, and thousands
of them were 25 MiB (measured)."""

MAX_PENDING: Final = 5_000
"""Items kept in memory while the disk takes none."""

RUNS_ON_S: Final = 1.0
"""A call that runs for longer gets its row before its end, so that a crash leaves it as interrupted."""

STUCK_S: Final = 120.0
"""Seconds. A step of the thread that takes longer stands still, as on a disk that does not answer; to write a large
file anew, its longest step, is given that time."""


class Writer:
    """The thread, with its queue and the connection in which it writes."""

    def __init__(
        self,
        folder: Path,
        rows: Rows,
        memory: Remembered,
        *,
        retry_s: float = 60.0,
        linger_s: float = 0.25,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue: queue.SimpleQueue[Event | Item] = queue.SimpleQueue()
        self.dropped = 0
        self._rows = rows
        self._linger_s = linger_s
        self._ticks = ticks
        self._busy_since: float | None = None
        """When the step under way began; None while the thread waits for something to do."""
        self._pending: list[Item] = []
        """What could not be stored yet. Connection and housekeeping hold this same list: it is never replaced."""
        self.connection = Connection(
            folder,
            rows,
            memory,
            put=self.queue.put,
            put_first=partial(self._pending.insert, 0),
            retry_s=retry_s,
            clock=clock,
        )
        self.housekeeping = Housekeeping(folder, rows, self.connection, self._pending, clock=clock)
        self._haste = threading.Event()
        """Somebody waits for what is in the queue."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait for the thread's end."""
        if self._thread.is_alive():
            self._thread.join(timeout)

    @property
    def alive(self) -> bool:
        """True while the thread runs and gets on: it waits for something to do, or its step is not too old."""
        since = self._busy_since
        return self._thread.is_alive() and (since is None or self._ticks() - since <= STUCK_S)

    def put(self, item: Item) -> None:
        """Queue ITEM: no lock, no wait."""
        self.queue.put(item)
        if _in_haste(item):
            self._haste.set()

    def record(self, events: Sequence[Event]) -> None:
        """Queue EVENTS: no lock, no wait. Beyond MAX_QUEUED they are dropped.

        Where the thread is behind, whoever records gives it the interpreter, if it wants it: else fifty clients without
        a pause filled the queue, and memory grew by 5 to 10 MiB (measured).
        """
        waiting = self.queue.qsize()
        if waiting > MAX_QUEUED:
            self.dropped += len(events)
            return
        for event in events:
            self.queue.put(event)
        if waiting >= 2 * A_BATCH:
            time.sleep(0)
        if waiting >= A_BATCH and not self._haste.is_set():
            self._haste.set()

    # In the thread, from here.

    def _run(self) -> None:
        self._safely(self.connection.open)
        self._busy_since = None
        self.connection.ready.set()
        going = True
        while going:
            items = self._collect()
            going = not any(item.last for item in items)
            self._safely(self.housekeeping.look)  # before: the file may have gone while nothing came
            self._safely(partial(self._store, items, closing=not going))
            self._safely(self.housekeeping.prune_on)
            for item in items:
                item.settle(False)
            self._busy_since = None
        self.connection.close()

    def _safely(self, step: Callable[[], None]) -> None:
        """Run STEP: the thread must outlive what nobody thought of."""
        self._busy_since = self._ticks()
        try:
            step()
        except Exception as error:
            self.connection.trouble(phrase("trouble.fault", error=type(error).__name__))
            log.exception(phrase("log.broke_journal"))

    def _collect(self) -> list[Item]:
        """Wait for something, then a moment for more: calls come in bursts, and a commit costs a disk's flush.

        In that moment the thread sleeps, so that it does not take the interpreter from the call that has just come in
        (measured: half of what Sluice added to a call's time).
        """
        try:
            first = self.queue.get(timeout=self._idle_s())
        except queue.Empty:
            return []
        self.housekeeping.stirred = True
        if not _in_haste(first):
            self._haste.wait(self._linger_s)
        self._haste.clear()
        items: list[Item] = []
        self._take(first, items)
        with suppress(queue.Empty):
            for _ in range(2 * A_BATCH):
                self._take(self.queue.get_nowait(), items)
        return items

    def _take(self, found: Event | Item, items: list[Item]) -> None:
        """Put an item to ITEMS; note an event at once: it holds prompt and answer, and what is kept of it does not."""
        if isinstance(found, Item):
            items.append(found)
        else:
            self._note(found)

    def _idle_s(self) -> float:
        """Until when nothing has to be done: the housekeeping, another attempt, or news that are old enough."""
        if self.connection.pruning is not None:
            return 0.01
        now, due = time.monotonic(), self.housekeeping.due_at
        if self.connection.opened is None:
            due = min(due, self.connection.retry_at)
        elif self._rows.news:
            due = min(due, (self._rows.news[0].since or now) + RUNS_ON_S)
        return max(0.01, due - now)

    def _note(self, event: Event) -> None:
        """Add EVENT to its story. A body that cannot be written is left out; an event nobody can write is dropped."""
        try:
            self._rows.note(event)
        except OSError as error:
            self._rows.keep_bodies = False
            self.connection.trouble(phrase("trouble.bodies", why=str(error.strerror)))
            self._note(event)
        except Exception as error:
            self.dropped += 1
            log.warning(phrase("log.no_event", kind=event.kind, why=type(error).__name__))

    def _store(self, items: list[Item], *, closing: bool = False) -> None:
        """Commit what is pending, ITEMS and what is due of the calls in one transaction, or keep all for the next
        time."""
        self._pending += [item for item in items if item.writes or item.work is not None]
        if self.connection.state == "off":
            self._shed(0)
        if self.connection.opened is None and (closing or time.monotonic() >= self.connection.retry_at):
            self.connection.open()
        if self.connection.opened is not None and self._commit(at_once=any(map(_in_haste, items))):
            self._finish(items)
        self._shed(MAX_PENDING)

    def _finish(self, items: list[Item]) -> None:
        """After the commit: work with transactions of its own, and word to whoever waits."""
        for item in items:
            if self.connection.opened is None:
                return
            try:
                if item.after is not None:
                    with self.connection.at_length():
                        item.after(self.connection.opened.db)
            except sqlite3.Error as error:
                self.connection.failed(error)
            else:
                item.settle(True)

    def _shed(self, most: int) -> None:
        """Keep the newest MOST pending items."""
        lost = self._pending[: max(0, len(self._pending) - most)]
        del self._pending[: len(lost)]
        self.dropped += sum(1 for item in lost if item.writes) + self._rows.shed(most)

    def _commit(self, *, at_once: bool) -> bool:
        """Write what is due, or AT_ONCE all that is known. False: the disk does not take it."""
        connection = self.connection
        for _ in range(2):  # a second time when the file was damaged and a new one has been opened
            if connection.opened is None:
                return False
            due = self._rows.due(0.0 if at_once else RUNS_ON_S)
            try:
                if due or self._pending:
                    connection.count += transact(connection.opened.db, self._pending, due, self._skip)
            except sqlite3.Error as error:
                connection.failed(error)
                continue
            self._rows.rest()
            if connection.state == "degraded" and self._rows.keep_bodies:
                connection.mended()
            connection.wrote()
            for item in self._pending:
                if item.after is None:
                    item.settle(True)
            self._pending.clear()
            return True
        return False

    def _skip(self, error: Exception) -> None:
        self.dropped += 1
        log.warning(phrase("log.no_write", why=str(error)))


def _in_haste(item: Event | Item) -> bool:
    """True if somebody waits for ITEM."""
    return isinstance(item, Item) and (item.urgent or item.last)
