"""Deleting for good: afterwards no byte of a forgotten call is in the database, its WAL, a copy of it, or a body file.

SQLite's `secure_delete` overwrites what is deleted, but not what it has moved within a page before: of 1,500 calls that
were deleted among 3,000, one was still legible in the file (measured with 3.40.1). So the file is written anew.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from daemon.journal.bodies import Bodies
from daemon.journal.plain import as_json
from daemon.journal.retention import CHUNK, copies, delete, delete_bodies, has_body, repeat

_ENDED: Final = "state NOT IN ('waiting', 'running', 'held')"
_HAS_BODY: Final = "(body_kept OR answer_kept OR EXISTS (SELECT 1 FROM attempts WHERE call = n AND body IS NOT NULL))"


@dataclass(frozen=True, slots=True)
class Which:
    """Which calls are meant: all that have ended, unless something is said."""

    ids: tuple[str, ...] | None = None
    before: float | None = None
    """Those that arrived before this time."""
    only_bodies: bool = False
    """Those that have a body; the rest of them stays."""

    def clause(self, *, open_too: bool = False) -> tuple[str, list[Any]]:
        """As a condition on `calls`, with its values. OPEN_TOO: also of calls that have no end."""
        wanted: list[str] = ["1" if open_too else _ENDED]
        values: list[Any] = []
        if self.ids is not None:
            wanted.append("id IN (SELECT value FROM json_each(?))")
            values.append(as_json(self.ids))
        if self.before is not None:
            wanted.append("arrived_at < ?")
            values.append(self.before)
        return " AND ".join([*wanted, *([_HAS_BODY] if self.only_bodies else [])]), values


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is gone."""

    calls: int
    copies: int
    """Files put aside earlier that went along."""
    clean: bool
    """False: the rows are gone, but remnants may be in the files until they can be written anew."""


def count(db: sqlite3.Connection, which: Which, *, open_too: bool = False) -> int:
    """How many calls `forget` would delete; with OPEN_TOO `forget_offline`, since what is open then was cut by a crash.
    Raises sqlite3.Error."""
    clause, values = which.clause(open_too=open_too)
    return int(db.execute(f"SELECT count(*) FROM calls WHERE {clause}", values).fetchone()[0])  # noqa: S608 - our own words


def forget(db: sqlite3.Connection, bodies: Bodies, which: Which) -> Forgotten:
    """Delete the calls, or their bodies alone. Raises sqlite3.Error, and nothing more is deleted then.

    With all calls before a time go the days before it in the ledger. Single calls stay in its sums, which hold no text.
    """
    clause, values = which.clause()
    step = delete_bodies if which.only_bodies else delete
    # 1: a body is looked for, whatever the row says of it
    choose = f"SELECT n, id, 1 FROM calls WHERE {clause} LIMIT ?"  # noqa: S608 - our own words, values are bound
    gone = repeat(lambda: step(db, bodies, choose, (*values, CHUNK)))
    if which.ids is None and not which.only_bodies:
        _forget_days(db, which.before)
    bodies.sweep(lambda name: has_body(db, name))
    left = [path for path in bodies.files() if not has_body(db, path.name)]
    return Forgotten(gone, _drop_copies(bodies.folder.parent), write_anew(db) and not left)


def _forget_days(db: sqlite3.Connection, before: float | None) -> None:
    """Delete what was added up of the days before that time; without one, of all."""
    if before is None:
        db.execute("DELETE FROM ledger")
    else:
        db.execute("DELETE FROM ledger WHERE day < date(?, 'unixepoch', 'localtime')", (before,))


def write_anew(db: sqlite3.Connection) -> bool:
    """Write the file anew without remnants, and empty the WAL. False when the disk or a reader does not let us."""
    with suppress(sqlite3.Error):
        db.execute("VACUUM")
        busy: int = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy
    return False


def _drop_copies(folder: Path) -> int:
    dropped = 0
    for path in copies(folder):
        with suppress(OSError):
            path.unlink()
            dropped += 1
    return dropped
