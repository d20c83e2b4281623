"""The one thread that writes. Events come in by a queue and go out in batches, one transaction each.

A call is written when it has ended, all of it at once; before that only when it has been running for a second, or when
somebody waits for what was recorded so far (`flush`).

State: a queue in front, what could not be stored yet, and the database, which may be absent. Nothing here can stop a
call: whatever breaks (disk full, read-only, damaged, deleted, newer) ends as words in `health`, writes wait in memory
for the next attempt, and when there are too many the oldest are dropped and counted.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from daemon.journal import statements as sql
from daemon.journal.batch import Item, transact
from daemon.journal.database import FILE, Held, Newer, Opened, Unusable, is_damage, is_there, lock, open_database, peek
from daemon.journal.forgetting import Forgotten, Which, forget, write_anew
from daemon.journal.memory import Remembered
from daemon.journal.plain import as_json
from daemon.journal.retention import has_body, pruning
from daemon.journal.rows import Rows
from daemon.journal.salvage import Salvage
from daemon.model import Event
from daemon.phrases import phrase

log = logging.getLogger(__name__)

MAX_QUEUED: Final = 20_000
"""Events that may wait in front of the thread."""

A_BATCH: Final = 600
"""Events, of a hundred calls, for which the thread does not wait for more: they hold prompts and answers, and thousands
of them were 25 MiB (measured)."""

MAX_PENDING: Final = 5_000
"""Items kept in memory while the disk takes none."""

RUNS_ON_S: Final = 1.0
"""A call that runs for longer gets its row before its end, so that a crash leaves it as interrupted."""

FREE_FLOOR: Final = 200 << 20
"""Free bytes below which bodies are not kept any more: the rows go on until the disk is really full."""

HOUSEKEEPING_S: Final = 60.0
QUIET: Final = 60
"""So many times as long while nothing comes: a sleeping laptop is not woken for nothing."""

STUCK_S: Final = 120.0
"""Seconds. A step of the thread that takes longer stands still, as on a disk that does not answer; to write a large
file anew, its longest step, is given that time."""

HELD_S: Final = 1.0
"""How often to try a file that another daemon still writes: it ends as soon as its calls have."""


class Writer:
    """Owns the database connection and its thread."""

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
        self.ready = threading.Event()
        """Set when the first opening has been tried and the memory is filled."""
        self.busy = threading.Event()
        """Set during what may take many seconds: nothing else is written then."""
        self.state = "starting"
        self.why: str | None = None
        self.dropped = 0
        self.count = 0
        """Rows in `calls`."""
        self.salvage: Salvage | None = None
        self._folder = folder
        self._rows = rows
        self._memory = memory
        self._retry_s = retry_s
        self._linger_s = linger_s
        self._clock = clock
        self._ticks = ticks
        self._busy_since: float | None = None
        """When the step under way began; None while the thread waits for something to do."""
        self._open: Opened | None = None
        self._lock: int | None = None
        self._first = True
        self._born = time.time()
        self._pending: list[Item] = []
        self._haste = threading.Event()
        """Somebody waits for what is in the queue."""
        self._retry_at = 0.0
        self._housekeeping_at = 0.0
        self._housekept_at = 0.0
        self._stirred = False
        """Something has come since."""
        self._pruning: Iterator[int] | None = None
        self._remnants = False
        """Remnants of what was forgotten may be in the file."""
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

    def put(self, item: Event | Item) -> None:
        """Queue ITEM: no lock, no wait. Beyond MAX_QUEUED events are dropped.

        Where the thread is behind, whoever records gives it the interpreter, if it wants it: else fifty clients without
        a pause filled the queue, and memory grew by 5 to 10 MiB (measured).
        """
        waiting = self.queue.qsize()
        if isinstance(item, Event) and waiting > MAX_QUEUED:
            self.dropped += 1
            return
        self.queue.put(item)
        if waiting >= 2 * A_BATCH:
            time.sleep(0)
        if (waiting >= A_BATCH or _in_haste(item)) and not self._haste.is_set():
            self._haste.set()

    @property
    def salvaging(self) -> bool:
        """True while calls of a damaged file are brought over."""
        return self.salvage is not None and self.salvage.running

    # In the thread, from here.

    def forget(self, db: sqlite3.Connection, which: Which) -> Forgotten:
        """Delete calls; what cannot be wiped now is tried again by the housekeeping. Raises sqlite3.Error."""
        gone = forget(db, self._rows.bodies, which)
        self._remnants, self.salvage = not gone.clean, None
        self.count = db.execute("SELECT count(*) FROM calls").fetchone()[0]
        return gone

    def _run(self) -> None:
        self._safely(self._try_open)
        self._busy_since = None
        self.ready.set()
        going = True
        while going:
            items = self._collect()
            going = not any(item.last for item in items)
            self._safely(self._housekeeping)  # before: the file may have gone while nothing came
            self._safely(partial(self._store, items, closing=not going))
            self._safely(self._prune_on)
            for item in items:
                item.settle(False)
            self._busy_since = None
        self._close()

    def _safely(self, step: Callable[[], None]) -> None:
        """Run STEP: the thread must outlive what nobody thought of."""
        self._busy_since = self._ticks()
        try:
            step()
        except Exception as error:
            self._trouble(phrase("trouble.fault", error=type(error).__name__))
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
        self._stirred = True
        self._housekeeping_at = min(self._housekeeping_at, self._housekept_at + HOUSEKEEPING_S)
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
        if self._pruning is not None:
            return 0.01
        now = time.monotonic()
        due = min(self._housekeeping_at, self._retry_at) if self._open is None else self._housekeeping_at
        if self._open is not None and self._rows.news:
            due = min(due, (self._rows.news[0].since or now) + RUNS_ON_S)
        return max(0.01, due - now)

    def _note(self, event: Event) -> None:
        """Add EVENT to its story. A body that cannot be written is left out; an event nobody can write is dropped."""
        try:
            self._rows.note(event)
        except OSError as error:
            self._rows.keep_bodies = False
            self._trouble(phrase("trouble.bodies", why=str(error.strerror)))
            self._note(event)
        except Exception as error:
            self.dropped += 1
            log.warning(phrase("log.no_event", kind=event.kind, why=type(error).__name__))

    def _store(self, items: list[Item], *, closing: bool = False) -> None:
        """Commit what is pending, ITEMS and what is due of the calls in one transaction, or keep all for the next
        time."""
        self._pending += [item for item in items if item.writes or item.work is not None]
        if self.state == "off":
            self._shed(0)
        if self._open is None and (closing or time.monotonic() >= self._retry_at):
            self._try_open()
        if self._open is not None and self._commit(at_once=any(map(_in_haste, items))):
            self._finish(items)
        self._shed(MAX_PENDING)

    def _finish(self, items: list[Item]) -> None:
        """After the commit: work with transactions of its own, and word to whoever waits."""
        for item in items:
            if self._open is None:
                return
            try:
                if item.after is not None:
                    with self._at_length():
                        item.after(self._open.db)
            except sqlite3.Error as error:
                self._failed(error)
            else:
                item.settle(True)

    @contextmanager
    def _at_length(self) -> Iterator[None]:
        """While this goes on nobody shall wait for what is queued behind it."""
        self.busy.set()
        try:
            yield
        finally:
            self.busy.clear()

    def _shed(self, most: int) -> None:
        """Keep the newest MOST pending items."""
        lost = self._pending[: max(0, len(self._pending) - most)]
        del self._pending[: len(lost)]
        self.dropped += sum(1 for item in lost if item.writes) + self._rows.shed(most)

    def _commit(self, *, at_once: bool) -> bool:
        """Write what is due, or AT_ONCE all that is known. False: the disk does not take it."""
        for _ in range(2):  # a second time when the file was damaged and a new one has been opened
            if self._open is None:
                return False
            due = self._rows.due(0.0 if at_once else RUNS_ON_S)
            try:
                self.count += transact(self._open.db, self._pending, due, self._skip) if due or self._pending else 0
            except sqlite3.Error as error:
                self._failed(error)
                continue
            self._rows.rest()
            if self.state == "degraded" and self._rows.keep_bodies:
                self.state, self.why = "ok", None
            for item in self._pending:
                if item.after is None:
                    item.settle(True)
            self._pending.clear()
            return True
        return False

    def _skip(self, error: Exception) -> None:
        self.dropped += 1
        log.warning(phrase("log.no_write", why=str(error)))

    def _failed(self, error: sqlite3.Error) -> None:
        """The database said no. Full, locked, read-only: close and try later. Damaged: begin a new file at once."""
        self._disconnect()
        self._retry_at = time.monotonic() + self._retry_s
        if is_damage(error):
            self._try_open(damaged=True)
        else:
            self._trouble(phrase("trouble.unwritable", file=str(self._folder / FILE), why=str(error)))

    def _try_open(self, *, damaged: bool = False) -> None:
        self._retry_at = time.monotonic() + self._retry_s
        try:
            if self._lock is None:
                self._lock = lock(self._folder)
            opened = open_database(self._folder, self._clock(), damaged=damaged)
        except Newer as newer:
            self.state, self._retry_at = "off", float("inf")
            self.why = phrase("trouble.without", why=newer.args[0])
            return
        except Held as held:
            self._wait_for_another(held)
            return
        except Unusable as unusable:
            self._trouble(unusable.args[0])
            return
        self._open = opened
        try:
            self._settle_in(opened)
        except sqlite3.Error as error:
            self._disconnect()
            if damaged or not is_damage(error):
                self._trouble(phrase("trouble.unusable", place=str(self._folder / FILE), why=str(error)))
            else:
                self._try_open(damaged=True)

    def _wait_for_another(self, held: Held) -> None:
        """The daemon whose place we took writes until its calls have ended. What it has learned can be read before."""
        self._retry_at = time.monotonic() + min(self._retry_s, HELD_S)
        if not self.ready.is_set():
            self._memory.merge(peek(self._folder))
        self._trouble(held.args[0])

    def _settle_in(self, opened: Opened) -> None:
        """After opening: what a crash left, what is remembered, what can be saved from a damaged file."""
        if self._first and opened.corrupt is None:
            self._clear_up(opened.db)
        self._first = False
        remembered = opened.db.execute(sql.REMEMBERED).fetchall()
        self._memory.merge(remembered)
        self.count = opened.db.execute("SELECT count(*) FROM calls").fetchone()[0]
        self._rows.renumber(opened.db.execute(sql.LAST_NUMBER).fetchone()[0])
        self.state, self.why = "ok", None
        if opened.corrupt is not None:
            # The memory at once, since the pacer waits for it; the calls in the background.
            self.salvage = Salvage(opened.corrupt, self.queue.put)
            self._memory.merge(self.salvage.memory())
            self.salvage.start(at_last=Item(work=self._clear_up))
        # A new file, or one that missed something while it could not be written, gets what is remembered.
        missing = [values for values in self._memory.all() if tuple(values.values()) not in set(remembered)]
        self._pending.insert(0, Item([(sql.REMEMBER, values) for values in missing]))

    def _clear_up(self, db: sqlite3.Connection) -> None:
        """What a crash left: calls that nobody carries any more, and bodies of which no row speaks. Where the file was
        damaged, only after its rows are here: they speak of all that was kept."""
        db.execute(sql.INTERRUPTED, (as_json(list(self._rows.stories)),))
        # Bodies that we have kept ourselves may wait for their rows: another daemon had the file until now.
        self._rows.bodies.sweep(lambda name: has_body(db, name), before=self._born)

    def _housekeeping(self) -> None:
        """Every minute in which something comes: retention, free space, and whether the file is still there."""
        now = time.monotonic()
        if now < self._housekeeping_at:
            return
        self._housekept_at, self._housekeeping_at = now, now + HOUSEKEEPING_S * (1 if self._stirred else QUIET)
        self._stirred = False
        if self._open is None:
            return
        if not is_there(self._folder / FILE, self._open.inode):  # somebody deleted, replaced or overwrote it
            self._disconnect()
            self._try_open()
            return
        self._look_at_disk()
        try:
            if self._remnants:
                with self._at_length():
                    self._remnants = not write_anew(self._open.db)
            self.count = self._open.db.execute("SELECT count(*) FROM calls").fetchone()[0]
        except sqlite3.Error as error:
            self._failed(error)
            return
        rows = self._rows
        self._pruning = pruning(self._open.db, rows.bodies, rows.keeping, self._clock(), self.salvaging)

    def _prune_on(self) -> None:
        """One step of what the housekeeping has begun: events that come meanwhile need not wait for the end of it."""
        try:
            self.count -= next(self._pruning or iter(()))
        except StopIteration:
            self._pruning = None
        except sqlite3.Error as error:
            self._failed(error)

    def _look_at_disk(self) -> None:
        with suppress(OSError):
            disk = os.statvfs(self._folder)
            free = disk.f_bavail * disk.f_frsize
            self._rows.keep_bodies = free > FREE_FLOOR
            if not self._rows.keep_bodies:
                self._trouble(phrase("trouble.disk", free=free >> 20))
            elif self.state == "degraded" and self._open is not None and not self._pending:
                self.state, self.why = "ok", None

    def _trouble(self, why: str) -> None:
        if why != self.why:
            log.warning(phrase("log.journal", why=why))
        self.state, self.why = "degraded", why

    def _disconnect(self) -> None:
        self._pruning = None
        if self._open is not None:
            with suppress(sqlite3.Error):
                self._open.db.close()
            self._open = None

    def _close(self) -> None:
        self._disconnect()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        self.state, self.why = "off", phrase("trouble.stopping")


def _in_haste(item: Event | Item) -> bool:
    """True if somebody waits for ITEM."""
    return isinstance(item, Item) and (item.urgent or item.last)
