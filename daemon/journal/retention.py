"""What goes, and when: calls older than the age, then the oldest until the bytes fit. Rows first, files after."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
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

OLD: Final = """SELECT n, id, body_kept + answer_kept FROM calls
WHERE arrived_at < ? AND state NOT IN ('waiting', 'running', 'held') LIMIT ?"""
OLDEST: Final = """SELECT n, id, body_kept + answer_kept FROM calls
WHERE state NOT IN ('waiting', 'running', 'held') ORDER BY n LIMIT ?"""


def used_bytes(db: sqlite3.Connection, kept: int | None = None) -> int:
    """Bytes in use by rows and by body files; free pages inside the database do not count. KEPT: what body files take,
    where that is known."""
    pages, free, size = (_pragma(db, name) for name in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size + (_body_bytes(db) if kept is None else kept)


def _body_bytes(db: sqlite3.Connection) -> int:
    """It looks at each row."""
    return int(db.execute("SELECT coalesce(sum(body_kept + answer_kept), 0) FROM calls").fetchone()[0])


def pruning(db: sqlite3.Connection, bodies: Bodies, keeping: Keeping, now: float) -> Iterator[int]:
    """Delete what is too old or too much, and give the space back, in steps of a moment; of each, how many calls went.
    Between two steps no transaction is open: what has come meanwhile can be written. Raises sqlite3.Error."""
    gone = 0
    while went := delete(db, bodies, OLD, (now - keeping.max_age_s, CHUNK)):
        gone += went
        yield went
    kept = _body_bytes(db)
    while used_bytes(db, kept) > keeping.max_bytes and (found := _deleted(db, bodies, OLDEST, (CHUNK,))):
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
