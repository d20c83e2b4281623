"""Opening, locking, migrating, putting aside."""

import os
import sqlite3
import subprocess
import sys

import pytest

from daemon.journal.database import (
    Lookout,
    Newer,
    Unusable,
    is_damage,
    lock,
    migrate,
    open_database,
    quarantine,
    schema,
)


def test_settings_of_the_connection(tmp_path):
    """WAL, full syncs, on macOS to the platter, overwritten deletes, foreign keys, space that can be given
    back, patience with who else has the file, and a WAL that does not stay large."""
    db = open_database(tmp_path, 1.0).db
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "auto_vacuum": 2,
        "fullfsync": 1,
        "busy_timeout": 2000,
        "journal_size_limit": 8 << 20,
    }
    assert {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
    assert db.execute("PRAGMA user_version").fetchone()[0] == len(schema())
    db.close()


def test_one_lock(tmp_path):
    """The second to come hears who has it; a loose folder is made private; a file in its place is refused."""
    tmp_path.chmod(0o755)
    fd = lock(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    with pytest.raises(Unusable, match="another daemon"):
        lock(tmp_path)
    os.close(fd)
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable):
        lock(tmp_path / "file")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(Unusable, match="not a folder of yours"):
        lock(tmp_path / "link")


def test_a_lock_that_is_a_link_is_refused(tmp_path):
    """Whoever put it there would have us write to a file of his choice; nothing is made at its other end."""
    (tmp_path / "journal.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unusable):
        lock(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_migrations_are_whole_or_not_at_all(tmp_path):
    """A step that fails in its middle leaves the version and the tables before it; the older file was copied first."""
    path = tmp_path / "journal.db"
    opened = open_database(tmp_path, 1.0)
    opened.db.execute("INSERT INTO memory VALUES ('k', 'a', 'v')")
    bad = [*schema(), "CREATE TABLE extra (x); INSERT INTO nowhere VALUES (1);"]
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(opened.db, path, bad)
    assert opened.db.execute("PRAGMA user_version").fetchone()[0] == len(schema())
    assert not opened.db.execute("SELECT 1 FROM sqlite_master WHERE name = 'extra'").fetchall()
    good = [*schema(), "CREATE TABLE extra (x);"]
    migrate(opened.db, path, good)
    assert opened.db.execute("PRAGMA user_version").fetchone()[0] == len(good)
    opened.db.close()
    copy = tmp_path / f"journal.db.before-version-{len(good)}"
    assert copy.stat().st_mode & 0o777 == 0o600
    db = sqlite3.connect(copy)
    assert db.execute("SELECT value FROM memory").fetchall() == [("v",)]
    db.close()
    with pytest.raises(Newer):
        open_database(tmp_path, 1.0)


def test_two_damaged_files_are_kept(tmp_path):
    """The third damaged file pushes out the first, with its side files."""
    for n in range(3):
        for end in ("", "-wal"):
            (tmp_path / f"journal.db{end}").write_text("x")
        quarantine(tmp_path / "journal.db", 1000.0 + n)
    assert len(list(tmp_path.glob("journal.corrupt-*.db"))) == 2
    assert len(list(tmp_path.glob("journal.corrupt-*.db-wal"))) == 2
    assert not (tmp_path / "journal.db").exists()


def test_new_rows_begin_above_saved_ones(tmp_path):
    """After damage the numbering jumps, so that rows saved later keep their numbers and their order."""
    (tmp_path / "journal.db").write_bytes(b"garbage" * 1000)
    opened = open_database(tmp_path, 5.0)
    assert opened.corrupt is not None
    assert opened.db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'calls'").fetchone()[0] == 5000
    opened.db.close()


def test_damage_is_told_from_other_trouble(tmp_path):
    """Only a broken file counts as damage: a full or a locked one must never be put aside."""
    path = tmp_path / "x.db"
    path.write_bytes(b"garbage" * 1000)
    db = sqlite3.connect(path)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        db.execute("SELECT * FROM sqlite_master")
    assert is_damage(caught.value)
    db.close()
    assert not is_damage(sqlite3.OperationalError("database or disk is full"))


def test_is_there(tmp_path):
    """Deleted, replaced and overwritten are noticed; a file of the same name is another one."""
    opened, lookout = open_database(tmp_path, 1.0), Lookout()
    opened.db.close()
    path = tmp_path / "journal.db"
    assert lookout.is_there(path, opened.inode)
    assert not lookout.is_there(path, opened.inode + 1)
    whole = path.read_bytes()
    path.write_bytes(b"x")
    assert not lookout.is_there(path, opened.inode)
    (tmp_path / "other").write_bytes(whole)
    (tmp_path / "other").replace(path)
    assert not lookout.is_there(path, opened.inode)
    assert lookout.is_there(path, path.stat().st_ino)
    path.unlink()
    assert not lookout.is_there(path, opened.inode)
    lookout.close()


def test_looking_leaves_the_locks_where_they_are(tmp_path):
    """Another program that opens the journal and closes it does not take the write-ahead log away: it is not alone, and
    what is written after it is read by whoever comes next."""
    opened, lookout = open_database(tmp_path, 1.0), Lookout()
    path = tmp_path / "journal.db"
    opened.db.execute("INSERT INTO memory VALUES ('a', 'b', '1')")
    assert lookout.is_there(path, opened.inode)
    assert lookout.is_there(path, opened.inode)
    other = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]);"
        "print(db.execute('SELECT count(*) FROM memory').fetchone()[0]); db.close()"
    )
    seen = []
    for number in range(2):
        seen.append(
            subprocess.run([sys.executable, "-c", other, path], capture_output=True, text=True, check=True).stdout
        )
        opened.db.execute("INSERT INTO memory VALUES ('a', ?, '1')", (str(number),))
    assert seen == ["1\n", "2\n"]
    assert (tmp_path / "journal.db-wal").exists()
    opened.db.close()
    lookout.close()


def test_the_ledger_of_an_older_journal(tmp_path):
    """A journal from before the ledger gets one from the calls that are still in it."""
    path = tmp_path / "journal.db"
    db = sqlite3.connect(path, isolation_level=None)
    migrate(db, path, schema()[:1])
    insert = """INSERT INTO calls (id, client, priority, state, arrived_at, ended_at, host, url, provider, key, pool,
        kind, model, stream, method, target, headers, body_bytes, input_tokens, output_tokens, usage_reported)
        VALUES (?, 'emacs', 0, ?, 1.0, ?, 'h', 'u', 'p', 'k', 'm', 'chat', 'm', 0, 'POST', '[]', '[]', 1, ?, ?, ?)"""
    db.executemany(
        insert,
        [
            *(("a", "done", 100.0, 5, 7, 1), ("b", "done", 200.0, 10, 1, 0)),
            *(("c", "failed", 300.0, None, None, None), ("d", "cancelled", 300.0, None, None, None)),
        ],
    )
    migrate(db, path)
    counts = "calls, failed, input, output, estimated"
    assert db.execute(f"SELECT {counts} FROM ledger").fetchall() == [(3, 1, 15, 8, 1)]
    db.close()
