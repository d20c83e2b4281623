"""The one writing connection over its life: opened, settled in, lost, and opened again.

Nothing here can stop a call: whatever breaks (disk full, read-only, damaged, deleted, newer) ends as words in `why`,
and there is another attempt later.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from daemon.journal import statements as sql
from daemon.journal.batch import Item
from daemon.journal.database import FILE, Held, Lookout, Newer, Opened, Unusable, is_damage, lock, open_database, peek
from daemon.journal.memory import Remembered
from daemon.journal.plain import as_json
from daemon.journal.retention import has_body
from daemon.journal.rows import Rows
from daemon.journal.salvage import Salvage
from daemon.phrases import phrase

log = logging.getLogger("sluice.journal")
"""The writer's: in the log it is one part that speaks of the journal."""

HELD_S: Final = 1.0
"""How often to try a file that another daemon still writes: it ends as soon as its calls have."""


class Connection:
    """The database, which may be absent, with its lock and how it is. Only the writer's thread changes it, and sqlite3
    refuses any other: a connection that is closed while another thread reads with it ends the process."""

    def __init__(
        self,
        folder: Path,
        rows: Rows,
        memory: Remembered,
        *,
        put: Callable[[Item], None],
        put_first: Callable[[Item], None],
        retry_s: float,
        clock: Callable[[], float],
    ) -> None:
        """PUT queues what is to be written; PUT_FIRST has it written before all that waits."""
        self.ready = threading.Event()
        """Set when the first opening has been tried and the memory is filled."""
        self.busy = threading.Event()
        """Set during what may take many seconds: nothing else is written then."""
        self.state = "starting"
        self.why: str | None = None
        self.since: float | None = None
        """Unix time since which nothing is written; None while it is."""
        self.opened: Opened | None = None
        self.lookout = Lookout()
        self.retry_at = 0.0
        self.count = 0
        """Rows in `calls`."""
        self.salvage: Salvage | None = None
        self.pruning: Iterator[int] | None = None
        """What goes on over several turns of the thread; it ends with the connection."""
        self._folder = folder
        self._rows = rows
        self._memory = memory
        self._put = put
        self._put_first = put_first
        self._retry_s = retry_s
        self._clock = clock
        self._lock: int | None = None
        self._first = True
        self._born = time.time()

    @property
    def salvaging(self) -> bool:
        """True while calls of a damaged file are brought over."""
        return self.salvage is not None and self.salvage.running

    def open(self, *, damaged: bool = False) -> None:
        """Try to open the file. DAMAGED: put it aside, and begin a new one."""
        self.retry_at = time.monotonic() + self._retry_s
        try:
            if self._lock is None:
                self._lock = lock(self._folder)
            opened = open_database(self._folder, self._clock(), damaged=damaged)
        except Newer as newer:
            self.state, self.retry_at = "off", float("inf")
            self.since = self.since or self._clock()
            self.why = phrase("trouble.without", why=newer.args[0])
            return
        except Held as held:
            self._wait_for_another(held)
            return
        except Unusable as unusable:
            self.trouble(unusable.args[0])
            return
        self.opened = opened
        try:
            self._settle_in(opened)
        except sqlite3.Error as error:
            self.disconnect()
            if damaged or not is_damage(error):
                self.trouble(phrase("trouble.unusable", place=str(self._folder / FILE), why=str(error)))
            else:
                self.open(damaged=True)

    def _wait_for_another(self, held: Held) -> None:
        """The daemon whose place we took writes until its calls have ended. What it has learned can be read before."""
        self.retry_at = time.monotonic() + min(self._retry_s, HELD_S)
        if not self.ready.is_set():
            self._memory.merge(peek(self._folder))
        self.trouble(held.args[0])

    def _settle_in(self, opened: Opened) -> None:
        """After opening: what a crash left, what is remembered, what can be saved from a damaged file."""
        if self._first and opened.corrupt is None:
            self._clear_up(opened.db)
        self._first = False
        remembered = opened.db.execute(sql.REMEMBERED).fetchall()
        self._memory.merge(remembered)
        self.count = opened.db.execute("SELECT count(*) FROM calls").fetchone()[0]
        self._rows.renumber(opened.db.execute(sql.LAST_NUMBER).fetchone()[0])
        self.mended()
        if opened.corrupt is not None:
            log.warning(phrase("log.damaged", file=str(opened.corrupt)))
            # The memory at once, since the pacer waits for it; the calls in the background.
            self.salvage = Salvage(opened.corrupt, self._put)
            self._memory.merge(self.salvage.memory())
            self.salvage.start(at_last=Item(work=self._salvaged))
        # A new file, or one that missed something while it could not be written, gets what is remembered.
        missing = [values for values in self._memory.all() if tuple(values.values()) not in set(remembered)]
        self._put_first(Item([(sql.REMEMBER, values) for values in missing]))

    def _salvaged(self, db: sqlite3.Connection) -> None:
        """All that could be read is here."""
        self._clear_up(db)
        if self.salvage is not None:
            log.info(phrase("log.saved", file=str(self.salvage.corrupt), n=self.salvage.saved))

    def _clear_up(self, db: sqlite3.Connection) -> None:
        """What a crash left: calls that nobody carries any more, and bodies of which no row speaks. Where the file was
        damaged, only after its rows are here: they speak of all that was kept."""
        db.execute(sql.INTERRUPTED, (as_json(list(self._rows.stories)),))
        # Bodies that we have kept ourselves may wait for their rows: another daemon had the file until now.
        self._rows.bodies.sweep(lambda name: has_body(db, name), before=self._born)

    @contextmanager
    def at_length(self) -> Iterator[None]:
        """While this goes on nobody shall wait for what is queued behind it."""
        self.busy.set()
        try:
            yield
        finally:
            self.busy.clear()

    def failed(self, error: sqlite3.Error) -> None:
        """The database said no. Full, locked, read-only: close and try later. Damaged: begin a new file at once."""
        self.disconnect()
        self.retry_at = time.monotonic() + self._retry_s
        if is_damage(error):
            self.open(damaged=True)
        else:
            self.trouble(phrase("trouble.unwritable", file=str(self._folder / FILE), why=str(error)))

    def trouble(self, why: str) -> None:
        """It goes on, but not as it should: WHY."""
        if why != self.why:
            log.warning(phrase("log.journal", why=why))
        self.state, self.why = "degraded", why
        if self.opened is None:
            self.since = self.since or self._clock()

    def mended(self) -> None:
        """The trouble is over, or seems so: a full disk may let the file be opened, and then take nothing."""
        self.state, self.why = "ok", None

    def wrote(self) -> None:
        """All that was to be written is."""
        self.since = None

    def disconnect(self) -> None:
        """Close the file, and keep its lock."""
        self.pruning = None
        if self.opened is not None:
            with suppress(sqlite3.Error):
                self.opened.db.close()
            self.opened = None

    def close(self) -> None:
        """The end: nothing is written any more."""
        self.disconnect()
        self.lookout.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        self.state, self.why = "off", phrase("trouble.stopping")
