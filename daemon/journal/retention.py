"""What goes, and when: calls older than the age, then the oldest until the bytes fit. Rows first, files after. Copies
that were put aside hold calls as well: they go by the same age, and where there are too many bytes before any call."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from daemon.journal import statements as sql
from daemon.journal.bodies import Bodies
from daemon.journal.rows import Keeping

CHUNK: Final = 500
"""Calls deleted in one transaction: the writer's queue waits meanwhile."""

PAGES: Final = 500
"""Free pages that are given back in one transaction. All at once, after a busy minute, were 40 MiB of WAL and 20 of
memory (measured)."""

COPIES: Final = ("journal.corrupt-*", "journal.db.before-version-*")
"""Files that we put aside. Nobody knows which calls are in them."""

OLD: Final = """SELECT n, id, body_kept + answer_kept FROM calls
WHERE arrived_at < ? AND state NOT IN ('waiting', 'running', 'held') LIMIT ?"""
OLDEST: Final = """SELECT n, id, body_kept + answer_kept FROM calls
WHERE state NOT IN ('waiting', 'running', 'held') ORDER BY n LIMIT ?"""


def used_bytes(db: sqlite3.Connection, kept: int | None = None, aside: int = 0) -> int:
    """Bytes in use by rows, by body files and by copies; free pages inside the database do not count. KEPT: what body
    files take, where that is known. ASIDE: what copies take."""
    pages, free, size = (_pragma(db, name) for name in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size + (_body_bytes(db) if kept is None else kept) + aside


def copies(folder: Path) -> list[Path]:
    """The files that were put aside in the journal's FOLDER."""
    return [path for pattern in COPIES for path in folder.glob(pattern)]


def bytes_of(files: Iterable[Path]) -> int:
    """What FILES take; those that are not there, nothing."""
    return sum([found.st_size for found in map(_stat, files) if found is not None])


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _prune_copies(folder: Path, before: float, room: int) -> int:
    """Delete copies that were written last BEFORE that instant (Unix time), and the oldest until the rest fit into ROOM
    bytes; return what the rest takes."""
    groups: dict[str, list[Path]] = {}
    for path in copies(folder):
        groups.setdefault(path.name.removesuffix("-wal").removesuffix("-shm"), []).append(path)
    aged = sorted((_written_at(files), name) for name, files in groups.items())
    left = bytes_of(chain.from_iterable(groups.values()))
    for written_at, name in aged:
        if written_at < before or left > room:
            left -= bytes_of(groups[name])
            for path in groups[name]:
                with suppress(OSError):
                    path.unlink()
    return left


def _written_at(files: Iterable[Path]) -> float:
    """When a database was written last; no call is in its -shm file, and who reads changes that, too."""
    found = [_stat(path) for path in files if not path.name.endswith("-shm")]
    return max((one.st_mtime for one in found if one is not None), default=0.0)


def _body_bytes(db: sqlite3.Connection) -> int:
    """It looks at each row."""
    return int(db.execute("SELECT coalesce(sum(body_kept + answer_kept), 0) FROM calls").fetchone()[0])


def pruning(
    db: sqlite3.Connection, bodies: Bodies, keeping: Keeping, now: float, saving: bool = False
) -> Iterator[int]:
    """Delete what is too old or too much, and give the space back, in steps of a moment; of each, how many calls went.
    Between two steps no transaction is open: what has come meanwhile can be written. SAVING: calls are being brought
    over from a copy, so that all copies stay, and do not count. Raises sqlite3.Error."""
    gone = aside = 0
    while went := delete(db, bodies, OLD, (now - keeping.max_age_s, CHUNK)):
        gone += went
        yield went
    kept = _body_bytes(db)
    if not saving:
        aside = _prune_copies(bodies.folder.parent, now - keeping.max_age_s, keeping.max_bytes - used_bytes(db, kept))
    while used_bytes(db, kept, aside) > keeping.max_bytes and (found := _deleted(db, bodies, OLDEST, (CHUNK,))):
        kept -= sum([row[2] for row in found])
        gone += len(found)
        yield len(found)
    free = _pragma(db, "freelist_count") if gone else 0
    while free:
        db.executescript(f"PRAGMA incremental_vacuum({PAGES});")  # execute would stop after the first page
        yield 0
        before, free = free, _pragma(db, "freelist_count")
        if free >= before:
            break


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def repeat(step: Callable[[], int]) -> int:
    """Run STEP until it finds nothing more; return the sum."""
    gone = 0
    while went := step():
        gone += went
    return gone


def delete(db: sqlite3.Connection, bodies: Bodies, choose: str, values: tuple[object, ...]) -> int:
    """Delete the calls that CHOOSE finds, with all that hangs on them; return how many. Raises sqlite3.Error."""
    return len(_deleted(db, bodies, choose, values))


def _deleted(
    db: sqlite3.Connection, bodies: Bodies, choose: str, values: tuple[object, ...]
) -> list[tuple[int, str, int]]:
    """The same; return number, id and bytes of bodies of each, as CHOOSE names them. One statement for all: each gives
    the interpreter away and takes it from a call."""
    found: list[tuple[int, str, int]] = db.execute(choose, values).fetchall()
    if found:
        _in_one(db, sql.many(sql.DELETE, len(found)), [[row[0] for row in found]])
        bodies.drop([row[1] for row in found if row[2]])
    return found


def delete_bodies(db: sqlite3.Connection, bodies: Bodies, choose: str, values: tuple[object, ...]) -> int:
    """Delete the bodies alone of the calls that CHOOSE finds. Raises sqlite3.Error."""
    found = db.execute(choose, values).fetchall()
    _in_one(db, "UPDATE calls SET body_kept = 0, answer_kept = 0 WHERE n = ?", [(row[0],) for row in found])
    _in_one(db, "UPDATE attempts SET body = NULL WHERE call = ?", [(row[0],) for row in found])
    bodies.drop([row[1] for row in found])
    return len(found)


def _in_one(db: sqlite3.Connection, statement: str, values: Sequence[Sequence[Any]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany(statement, values)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def has_body(db: sqlite3.Connection, name: str) -> bool:
    """True if a row says that the body file NAME (`ID.request`, `ID.answer`) is kept."""
    call_id, _, part = name.rpartition(".")
    row: Any = db.execute("SELECT body_kept, answer_kept FROM calls WHERE id = ?", (unquote(call_id),)).fetchone()
    return bool(row and part in ("request", "answer") and row[0 if part == "request" else 1])
