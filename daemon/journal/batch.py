"""Many small things in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from daemon.journal import statements as sql
from daemon.journal.plain import cell
from daemon.journal.rows import Write


@dataclass(slots=True)
class Item:
    """One thing to store; `done` hears, in the writer's thread, whether it is on disk."""

    writes: list[Write] = field(default_factory=list)
    work: Callable[[sqlite3.Connection], None] | None = None
    """Done in the batch's transaction."""
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


def transact(db: sqlite3.Connection, items: list[Item], skip: Callable[[Exception], None]) -> int:
    """Store ITEMS in one transaction; return how many calls are new. Raises sqlite3.Error when nothing was stored.

    An item that can never be stored (a bug of ours, a value that SQLite refuses) is skipped and told to SKIP: it must
    not hold up all others for ever.
    """
    new = 0
    db.execute("BEGIN IMMEDIATE")
    try:
        for item in items:
            if not item.writes and item.work is None:
                continue
            db.execute("SAVEPOINT item")
            try:
                new += _apply(db, item)
            except (
                sqlite3.IntegrityError,
                sqlite3.InterfaceError,
                sqlite3.ProgrammingError,
                ValueError,
                OverflowError,
            ) as error:
                db.execute("ROLLBACK TO item")
                skip(error)
            db.execute("RELEASE item")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise
    return new


def _apply(db: sqlite3.Connection, item: Item) -> int:
    new = 0
    for statement, values in item.writes:
        changed = db.execute(statement, {name: cell(value) for name, value in values.items()}).rowcount
        new += changed if statement is sql.INSERT_CALL else 0
    if item.work is not None:
        item.work(db)
    return new
