"""Many items in one transaction."""

import sqlite3

import pytest

from daemon.journal import statements as sql
from daemon.journal.batch import Item, transact
from daemon.journal.database import open_database


@pytest.fixture
def db(tmp_path):
    """An open journal."""
    opened = open_database(tmp_path, 1.0)
    yield opened.db
    opened.db.close()


def remember(key: str, value: object = "v") -> Item:
    """An item that writes one value."""
    return Item([(sql.REMEMBER, {"kind": "k", "key": key, "value": value})])


def test_one_bad_item_does_not_hold_up_the_others(db):
    """What can never be stored is skipped and told; the rest of the batch is stored."""
    skipped: list[Exception] = []
    transact(db, [remember("a"), remember("b", None), remember("c", object()), remember("d")], skipped.append)
    assert [row[0] for row in db.execute("SELECT key FROM memory ORDER BY key")] == ["a", "d"]
    assert len(skipped) == 2


def test_a_failed_transaction_stores_nothing(db):
    """When the database says no, all of the batch is left for the next time."""

    def full(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(sqlite3.OperationalError):
        transact(db, [remember("a"), Item(work=full)], lambda error: None)
    assert not db.in_transaction
    assert db.execute("SELECT count(*) FROM memory").fetchone()[0] == 0


def test_done_is_told_once():
    """Whoever waits hears the first outcome only."""
    heard: list[bool] = []
    item = Item(done=heard.append)
    item.settle(True)
    item.settle(False)
    assert heard == [True]
