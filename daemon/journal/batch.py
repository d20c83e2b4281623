"""Many small things in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from operator import add
from typing import Any, Final

from daemon.journal import statements as sql
from daemon.journal.plain import cell
from daemon.journal.story import Book, Story

Write = tuple[str, dict[str, Any]]

MOST_VALUES: Final = 2_000
"""In one statement. SQLite takes 32766; before 3.32 it took 999."""

A_LIST: Final = 512
"""Ids that are looked for at a time."""

_NEVER: Final = (
    sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError, ValueError, OverflowError,
)  # fmt: skip
"""What says that a value can never be stored (a bug of ours, or what SQLite refuses); other errors are the disk's."""


@dataclass(slots=True)
class Item:
    """One thing to store; `done` hears, in the writer's thread, whether it is on disk."""

    writes: list[Write] = field(default_factory=list)
    """To the memory. Of several to one kind and key the last stands."""
    work: Callable[[sqlite3.Connection], None] | None = None
    """Done in the batch's transaction; once more, when that is begun anew."""
    after: Callable[[sqlite3.Connection], None] | None = None
    """Done when the batch is stored, with transactions of its own."""
    done: Callable[[bool], None] | None = None
    urgent: bool = False
    last: bool = False

    def settle(self, stored: bool) -> None:
        """Tell whoever waits, once."""
        done, self.done = self.done, None
        if done is not None:
            done(stored)


def transact(
    db: sqlite3.Connection, items: Sequence[Item], stories: Sequence[Story], skip: Callable[[Exception], None]
) -> int:
    """Store ITEMS and STORIES in one transaction; return how many calls are new. Raises sqlite3.Error when nothing was
    stored.

    All together, as a rule: one savepoint for each took as long as all the rest. Where something can never be stored,
    they are stored one by one, and what cannot be is skipped and told to SKIP: it must not hold up all others for ever.
    """
    kept = set(stories)
    try:
        with _transaction(db):
            _apply(db, items)
            new = _write(db, stories)
    except _NEVER:
        with _transaction(db):
            for item in items:
                _alone(db, skip, lambda item=item: _apply(db, (item,)))  # type: ignore[misc]
            kept = {s for s in stories if _alone(db, skip, lambda s=s: _write(db, (s,), careful=True))}  # type: ignore[misc]
            new = sum(not story.stored for story in kept)
    for story in stories:
        story.settle(story in kept)
    return new


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


def _alone(db: sqlite3.Connection, skip: Callable[[Exception], None], write: Callable[[], object]) -> bool:
    """WRITE, or nothing of it; True if it could be stored."""
    db.execute("SAVEPOINT one")
    trouble: Exception | None = None
    try:
        write()
    except _NEVER as error:
        db.execute("ROLLBACK TO one")
        trouble = error
        skip(error)
    db.execute("RELEASE one")
    return trouble is None


def _apply(db: sqlite3.Connection, items: Sequence[Item]) -> None:
    """Write to the memory what ITEMS say, and do their work. Under a load one limit is learned again and again, and is
    one statement."""
    last = {(values["kind"], values["key"]): (statement, values) for item in items for statement, values in item.writes}
    for statement, values in last.values():
        db.execute(statement, {name: cell(value) for name, value in values.items()})
    for item in items:
        if item.work is not None:
            item.work(db)


def _write(db: sqlite3.Connection, stories: Sequence[Story], *, careful: bool = False) -> int:
    """Write what is new of STORIES; return how many of these calls are. CAREFUL: each value as SQLite can hold it."""
    clean: Callable[[Iterable[Any]], tuple[Any, ...]] = (lambda row: tuple(map(cell, row))) if careful else tuple
    begun = set() if careful else _begin_together(db, stories)
    new = len(begun)
    attempts: list[tuple[Any, ...]] = []
    steps: list[tuple[Any, ...]] = []
    used: dict[Book, tuple[int, ...]] = {}
    for story in stories:
        if story not in begun:
            new += _begin_or_change(db, story, clean)
        attempts += [clean((story.n, number, *row.values())) for number, row in story.attempts.items()]
        steps += [clean((story.n, *step)) for step in story.steps]
        if story.used is not None:
            book, amounts = story.used
            used[book] = tuple(map(add, used[book], amounts)) if book in used else amounts
    together(db, sql.TRY, attempts)
    together(db, sql.STEP, steps)
    db.executemany(sql.LEDGER, [clean((*book, *amounts)) for book, amounts in used.items()])
    return new


def together(db: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Write ROWS by as few statements as can be; return how many were written.

    A step of a statement gives the interpreter away. Beside a busy event loop it comes back after half a millisecond:
    at nine steps a call the thread fell behind a thousand calls a second, and events were dropped (measured).
    """
    if not rows:
        return 0
    most = min(MOST_VALUES, db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)) // len(rows[0])
    return sum(db.execute(sql.many(statement, n), values).rowcount for n, values in _in_parts(rows, most))


def _in_parts(rows: Sequence[tuple[Any, ...]], most: int) -> Iterator[tuple[int, list[Any]]]:
    """ROWS in parts of up to MOST: how many, and their values in a line. The numbers are powers of two, so that there
    are few different statements to prepare."""
    at = 0
    while at < len(rows):
        n = 1 << (min(len(rows) - at, most).bit_length() - 1)
        yield n, list(chain.from_iterable(rows[at : at + n]))
        at += n


def _begin_together(db: sqlite3.Connection, stories: Sequence[Story]) -> set[Story]:
    """Insert the rows of those STORIES that the file knows nothing of, and return these. Raises IntegrityError."""
    fresh = {story.asked[0]: story for story in stories if not story.stored}
    for n, names in _in_parts([(name,) for name in fresh], A_LIST):
        for (known,) in db.execute(sql.many(sql.KNOWN, n), names).fetchall():
            del fresh[known]
    rows = [(story.n, *story.asked, *story.row.values()) for story in fresh.values()]
    if together(db, sql.BEGIN_CALL, rows) != len(rows):
        raise sqlite3.IntegrityError("calls.n")  # another call has the number
    return set(fresh.values())


def _begin_or_change(db: sqlite3.Connection, story: Story, clean: Callable[[Iterable[Any]], tuple[Any, ...]]) -> bool:
    """Insert the row of STORY, or change the one that is there; True if it is new."""
    if not story.stored and _begin(db, story, clean):
        return True
    if story.moved or not story.stored:  # not stored: the file that was opened may be an older copy
        db.execute(sql.MOVE_CALL, clean((*story.asked, story.n)))
    db.execute(sql.CHANGE_CALL, clean((*story.row.values(), story.n)))
    return False


def _begin(db: sqlite3.Connection, story: Story, clean: Callable[[Iterable[Any]], tuple[Any, ...]]) -> bool:
    """Insert the row of STORY; False when the file has one already, whose number it takes then."""
    if db.execute(sql.BEGIN_CALL, clean((story.n, *story.asked, *story.row.values()))).rowcount:
        return True
    found = db.execute(sql.NUMBER, (story.asked[0],)).fetchone()
    if found is None:
        raise sqlite3.IntegrityError("calls.n")  # another call has the number
    story.n = found[0]
    return False
