"""The journal as the event loop sees it: `record` is a put into a queue, everything else happens in threads."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from daemon.errors import NotFound
from daemon.journal.batch import Item
from daemon.journal.bodies import Bodies
from daemon.journal.database import FILE, SIDE_FILES
from daemon.journal.forgetting import Forgotten, Which
from daemon.journal.memory import DiskMemory, Remembered
from daemon.journal.reader import Reader
from daemon.journal.rebuild import Kept, call_from_row
from daemon.journal.retention import bytes_of, copies
from daemon.journal.rows import Keeping, Policy, Rows
from daemon.journal.writer import Writer
from daemon.model import Call, Event, Memory
from daemon.phrases import phrase
from daemon.redact import Redactor
from daemon.spending import Spent

T = TypeVar("T")

FRESH_S: Final = 1.0
"""How long a question waits for events that are still on their way to the disk."""


class Journal:
    """What happened to each call, in one SQLite file; bodies in files beside it."""

    def __init__(
        self,
        folder: Path,
        *,
        redactor: Redactor,
        bodies: Policy = "failed",
        max_bytes: int = 1 << 30,
        max_age_days: float = 30.0,
        max_body_bytes: int = 16 << 20,
        retry_s: float = 60.0,
        linger_s: float = 0.25,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """FOLDER is the journal's own. RETRY_S: how often to try a disk that refuses. LINGER_S: how long a write
        waits for more, so that a burst is one transaction: a crash loses so much of what nobody has asked for. CLOCK:
        Unix time, for retention."""
        self.folder = folder
        self._clock = clock
        self._bodies = Bodies(folder)
        self._rows = Rows(redactor, Keeping(bodies, max_bytes, max_age_days * 86400.0, max_body_bytes), self._bodies)
        values = Remembered()
        self._writer = Writer(folder, self._rows, values, retry_s=retry_s, linger_s=linger_s, clock=clock)
        self.memory: Memory = DiskMemory(
            values, self._writer.put, self._writer.connection.ready, self._writer.connection.busy
        )
        """What the pacer keeps over a restart."""
        self.catch_up: Callable[[], object] = lambda: None
        """Called before a question: whoever records hands over what there is."""

    @property
    def keeping(self) -> Keeping:
        """What is kept, and for how long. May be replaced while the daemon runs."""
        return self._rows.keeping

    @keeping.setter
    def keeping(self, keeping: Keeping) -> None:
        self._rows.keeping = keeping

    def start(self) -> None:
        """Open the file and begin to write, in the journal's own thread. Never raises: see `health`."""
        self._writer.start()

    def record(self, *events: Event) -> None:
        """Take EVENTS: a put into a queue that never waits and never raises."""
        self.record_all(events)

    def record_all(self, events: Sequence[Event]) -> None:
        """The same, as a reader of the gateway."""
        self._writer.record(events)

    async def flush(self) -> bool:
        """Wait until all that was recorded is on disk. False when the disk does not take it: it may come later."""
        self.catch_up()
        return await self._stored(Item(urgent=True))

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what is queued, close the file, end the thread. Idempotent."""
        self._writer.put(Item(last=True))
        self._writer.join(timeout_s)

    @property
    def salvaging(self) -> bool:
        """True while calls of a damaged file are brought over."""
        return self._writer.connection.salvaging

    @property
    def alive(self) -> bool:
        """True while the thread that writes gets on."""
        return self._writer.alive

    def health(self) -> dict[str, Any]:
        """How the journal is: `state` ok, degraded or off, `why` in words, and its size."""
        writer, connection = self._writer, self._writer.connection
        note = None
        if connection.salvage is not None and connection.salvage.corrupt.exists():
            kept, saved = str(connection.salvage.corrupt), connection.salvage.saved
            note = phrase("trouble.damaged", file=kept, saved=saved)
        return {
            "state": connection.state,
            "why": connection.why or note,
            "since": connection.since,
            "note": note,
            "dropped": writer.dropped,
            "rows": connection.count,
            "bytes": bytes_of([*(self.folder / (FILE + end) for end in SIDE_FILES), *copies(self.folder)]),
            "queued": writer.queue.qsize(),
            "bodies": self.keeping.bodies,
            "path": str(self.folder / FILE),
            "sqlite_version": sqlite3.sqlite_version,
        }

    def gap(self) -> dict[str, Any] | None:
        """Since when calls are not written down, and why: they are missing in each answer. None when they are."""
        connection = self._writer.connection
        if connection.opened is not None or connection.state not in ("degraded", "off"):
            return None
        return {"state": connection.state, "why": connection.why, "since": connection.since}

    def keeps(self, call: Call, failed: bool) -> bool:
        """True if the request of a call that has ended so is kept, or will be in a moment."""
        return self._rows.keeps(call, failed)

    def body_file(self, call_id: str) -> Path:
        """Where a failed call's body is kept, or will be in a moment."""
        return self._bodies.path(call_id, "request")

    async def read(self, ask: Callable[[Reader], T]) -> T:
        """Run ASK with a reader in a thread, after what was recorded before. Raises NotFound without a journal."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.flush(), FRESH_S)
        return await asyncio.to_thread(self._read, ask)

    async def calls(self, **filters: Any) -> list[dict[str, Any]]:
        """`Reader.calls`."""
        return await self.read(lambda reader: reader.calls(**filters))

    async def call(self, name: str) -> dict[str, Any] | None:
        """`Reader.call`."""
        return await self.read(lambda reader: reader.call(name))

    async def ledger(self, since: str) -> list[Spent]:
        """`Reader.ledger`."""
        return await self.read(lambda reader: reader.ledger(since))

    async def rebuild(self, name: str) -> Kept | None:
        """The call as it was sent, without its secrets; None when it is not there or its body was not kept."""

        def ask(reader: Reader) -> Kept | None:
            row = reader.call(name)
            return call_from_row(row) if row else None

        return await self.read(ask)

    async def forget(self, which: Which) -> Forgotten:
        """Delete calls for good, or only their bodies. Raises NotFound when the journal cannot be written now."""
        if self._writer.connection.salvaging:  # it would bring back what is deleted
            raise NotFound(phrase("journal.salvaging"))
        gone: list[Forgotten] = []

        def work(db: sqlite3.Connection) -> None:
            gone.append(self._writer.housekeeping.forget(db, which))

        if not await self._stored(Item(after=work, urgent=True)) or not gone:
            raise NotFound(phrase("journal.unwritable", why=self._writer.connection.why or "-"))
        return gone[0]

    async def _stored(self, item: Item) -> bool:
        """Queue ITEM and wait until it is stored, or is known not to be."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[bool] = loop.create_future()

        def set_result(ok: bool) -> None:
            if not told.done():  # whoever waited may have gone
                told.set_result(ok)

        def tell(ok: bool) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(set_result, ok)

        item.done = tell
        self._writer.put(item)
        return await told

    def _read(self, ask: Callable[[Reader], T]) -> T:
        if not (self.folder / FILE).is_file() and (gap := self.gap()):
            raise NotFound(phrase("journal.cannot_be_made", why=gap["why"]))
        with Reader(self.folder, clock=self._clock) as reader:
            try:
                return ask(reader)
            except sqlite3.Error as error:
                raise NotFound(phrase("journal.busy", why=str(error))) from error
