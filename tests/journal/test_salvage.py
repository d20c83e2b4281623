"""Rows out of a damaged file."""

import sqlite3

from daemon.journal.database import open_database
from daemon.journal.salvage import Salvage, salvage, take_over


def test_rows_before_and_after_the_bad_page(tmp_path):
    """Of 3000 remembered values almost all come back though a page in the middle is broken, none twice."""
    db = open_database(tmp_path, 1.0).db
    db.executemany("INSERT INTO memory VALUES ('k', ?, ?)", [(f"{n:06}", "v" * 50) for n in range(3000)])
    db.close()
    path = tmp_path / "journal.db"
    data = bytearray(path.read_bytes())
    leaf = data.index(b"k001500vvv") // 4096 * 4096
    data[leaf : leaf + 4096] = b"\xff" * 4096
    path.write_bytes(bytes(data))
    found = [row["key"] for _, rows in salvage(path, ("memory",)) for row in rows]
    assert len(found) == len(set(found))
    assert 2800 < len(found) < 3000


def test_nothing_can_be_read(tmp_path):
    """Garbage gives nothing and raises nothing."""
    path = tmp_path / "x.db"
    path.write_bytes(b"garbage" * 1000)
    assert Salvage(path, lambda item: None).memory() == []


def test_saved_rows_do_not_replace_new_ones(tmp_path):
    """A place that is taken stays; steps of calls that are not there are left out."""
    db = open_database(tmp_path, 1.0).db
    db.row_factory = sqlite3.Row
    db.execute("INSERT INTO memory VALUES ('k', 'a', 'new')")
    old = db.execute("SELECT 1 AS _rowid, 'k' AS kind, 'a' AS key, 'old' AS value").fetchall()
    orphan = db.execute("SELECT 1 AS _rowid, 77 AS call, 1.0 AS at, 'sent' AS kind, 1 AS attempt").fetchall()
    assert take_over(db, "memory", old) == 0
    assert take_over(db, "steps", orphan) == 0
    assert db.execute("SELECT value FROM memory").fetchone()[0] == "new"
    db.close()


def test_a_saved_ledger_is_added(tmp_path):
    """The new file may have counted calls of the same day already: both count."""
    db = open_database(tmp_path, 1.0).db
    db.row_factory = sqlite3.Row
    insert = (
        "INSERT INTO ledger (day, host, key, model, client, calls, input) VALUES ('2026-11-28', 'h', 'k', 'm', ?, 1, 5)"
    )
    db.executemany(insert, [("emacs",), ("notes",)])
    rows = db.execute("SELECT rowid AS _rowid, * FROM ledger").fetchall()
    db.execute("DELETE FROM ledger WHERE client = 'notes'")
    assert take_over(db, "ledger", rows) == 2
    found = db.execute("SELECT client, calls, input FROM ledger ORDER BY client").fetchall()
    assert [tuple(row) for row in found] == [("emacs", 2, 10), ("notes", 1, 5)]
    db.close()
