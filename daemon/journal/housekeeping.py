"""What the journal looks after every minute in which something comes: the file itself, free space, and retention."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from daemon.journal.batch import Item
from daemon.journal.connection import Connection
from daemon.journal.database import FILE
from daemon.journal.forgetting import Forgotten, Which, forget, write_anew
from daemon.journal.retention import pruning
from daemon.journal.rows import Rows
from daemon.phrases import phrase

FREE_FLOOR: Final = 200 << 20
"""Free bytes below which bodies are not kept any more: the rows go on until the disk is really full."""

HOUSEKEEPING_S: Final = 60.0
QUIET: Final = 60
"""So many times as long while nothing comes: a sleeping laptop is not woken for nothing."""


class Housekeeping:
    """Done in the writer's thread, between its batches."""

    def __init__(
        self,
        folder: Path,
        rows: Rows,
        connection: Connection,
        pending: Sequence[Item],
        *,
        clock: Callable[[], float],
    ) -> None:
        """PENDING is what the writer could not store yet."""
        self.due_at = 0.0
        self.stirred = False
        """Something has come since the last look."""
        self._done_at = 0.0
        self._remnants = False
        """Remnants of what was forgotten may be in the file."""
        self._folder = folder
        self._rows = rows
        self._connection = connection
        self._pending = pending
        self._clock = clock

    def forget(self, db: sqlite3.Connection, which: Which) -> Forgotten:
        """Delete calls; what cannot be wiped now is tried again by the housekeeping. Raises sqlite3.Error."""
        gone = forget(db, self._rows.bodies, which)
        self._remnants, self._connection.salvage = not gone.clean, None
        self._connection.count = db.execute("SELECT count(*) FROM calls").fetchone()[0]
        return gone

    def look(self) -> None:
        """Is the file still there, the disk free, a call too old? If the time for it has come."""
        now = time.monotonic()
        if self.stirred:
            self.due_at = min(self.due_at, self._done_at + HOUSEKEEPING_S)
        if now < self.due_at:
            return
        self._done_at, self.due_at = now, now + HOUSEKEEPING_S * (1 if self.stirred else QUIET)
        self.stirred = False
        connection = self._connection
        if connection.opened is None:
            return
        file, inode = self._folder / FILE, connection.opened.inode
        if not connection.lookout.is_there(file, inode):  # somebody deleted, replaced or overwrote it
            connection.disconnect()
            connection.open()
            return
        self._look_at_disk()
        try:
            if self._remnants:
                with connection.at_length():
                    self._remnants = not write_anew(connection.opened.db)
            connection.count = connection.opened.db.execute("SELECT count(*) FROM calls").fetchone()[0]
        except sqlite3.Error as error:
            connection.failed(error)
            return
        db, rows = connection.opened.db, self._rows
        connection.pruning = pruning(db, rows.bodies, rows.keeping, self._clock(), connection.salvaging)

    def prune_on(self) -> None:
        """One step of what the housekeeping has begun: events that come meanwhile need not wait for the end of it."""
        connection = self._connection
        try:
            connection.count -= next(connection.pruning or iter(()))
        except StopIteration:
            connection.pruning = None
        except sqlite3.Error as error:
            connection.failed(error)

    def _look_at_disk(self) -> None:
        with suppress(OSError):
            disk = os.statvfs(self._folder)
            free = disk.f_bavail * disk.f_frsize
            self._rows.keep_bodies = free > FREE_FLOOR
            if not self._rows.keep_bodies:
                self._connection.trouble(phrase("trouble.disk", free=free >> 20))
            elif self._connection.state == "degraded" and self._connection.opened is not None and not self._pending:
                self._connection.mended()
