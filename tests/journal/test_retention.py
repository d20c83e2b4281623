"""What goes, and when."""

import os
from pathlib import Path

from daemon.journal import Keeping
from daemon.journal.bodies import Bodies
from daemon.journal.database import open_database
from daemon.journal.retention import CHUNK, PAGES, copies, pruning, used_bytes


def fill(db, bodies: Bodies, count: int, size: int = 10) -> None:
    """COUNT ended calls, one a second from 0, each with a body, and one that still runs, oldest of all."""
    for n in range(-1, count):
        db.execute(
            "INSERT INTO calls (id, client, priority, state, arrived_at, host, url, provider, key, pool, kind, stream, "
            "method, target, headers, body_bytes, body_kept) "
            "VALUES (?, '', 1, ?, ?, '', '', '', '', '', '', 0, '', '', '', ?, ?)",
            (f"c{n}", "done" if n >= 0 else "running", n, size, size),
        )
        if size < 100:
            bodies.keep(f"c{n}", "request", b"x" * size)
    db.execute("INSERT INTO steps (call, at, kind, attempt) SELECT n, 1, 'queued', 0 FROM calls")


def test_by_age(tmp_path):
    """Older than the age goes with steps and body; what runs stays however old."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    fill(db, bodies, 10)
    assert sum(pruning(db, bodies, Keeping(max_age_s=5.0), now=10.0)) == 5
    assert [row[0] for row in db.execute("SELECT id FROM calls ORDER BY n")] == ["c-1", "c5", "c6", "c7", "c8", "c9"]
    assert db.execute("SELECT count(*) FROM steps").fetchone()[0] == 6
    assert sorted(path.name for path in bodies.files()) == [
        f"{name}.request" for name in ("c-1", *(f"c{n}" for n in range(5, 10)))
    ]
    db.close()


def test_by_bytes(tmp_path):
    """The oldest go until rows and bodies fit, and the file shrinks."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    fill(db, bodies, 2000, size=1000)
    before = used_bytes(db)
    assert sum(pruning(db, bodies, Keeping(max_bytes=1_500_000), now=2000.0)) > 0
    left = db.execute("SELECT count(*) FROM calls").fetchone()[0]
    assert 500 < left < 2000
    assert used_bytes(db) <= 1_500_000 < before
    assert db.execute("SELECT max(arrived_at) FROM calls").fetchone()[0] == 1999
    assert db.execute("PRAGMA freelist_count").fetchone()[0] == 0
    db.close()


def put_aside(folder: Path, name: str, size: int, at: float) -> Path:
    """A copy with its WAL, both of SIZE bytes and last written AT that time; what is in the -shm is no call."""
    for end in ("", "-wal"):
        (folder / (name + end)).write_bytes(b"x" * size)
        os.utime(folder / (name + end), (at, at))
    (folder / f"{name}-shm").write_bytes(b"")
    return folder / name


def test_copies_by_age(tmp_path):
    """What was put aside (a damaged journal, one from before an update) holds calls, too, and goes when it is as old as
    the oldest may be; with its side files. While calls are brought over from one, all stay."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    old = put_aside(tmp_path, "journal.corrupt-20260101-000000-000.db", 10, at=10.0)
    older = put_aside(tmp_path, "journal.db.before-version-2", 10, at=1.0)
    new = put_aside(tmp_path, "journal.corrupt-20260102-000000-000.db", 10, at=20.0)
    keeping = Keeping(max_age_s=50.0)
    list(pruning(db, bodies, keeping, 65.0, True))
    assert older.exists()
    list(pruning(db, bodies, keeping, 65.0))
    assert sorted(copies(tmp_path)) == sorted([*(Path(f"{new}{end}") for end in ("", "-wal", "-shm"))])
    assert not old.exists()
    assert (tmp_path / "journal.db").exists()
    db.close()


def test_copies_by_bytes(tmp_path):
    """They count in the bytes that are kept, and go before a call does, the oldest first; only while calls are brought
    over from one they are left out of the sum."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    fill(db, bodies, 1000, size=1000)
    first = put_aside(tmp_path, "journal.db.before-version-2", 300_000, at=1.0)
    second = put_aside(tmp_path, "journal.corrupt-20260102-000000-000.db", 200_000, at=20.0)
    rows = used_bytes(db)
    keeping = Keeping(max_bytes=rows + 500_000)
    assert sum(pruning(db, bodies, keeping, 1000.0, True)) == 0
    assert first.exists()
    assert sum(pruning(db, bodies, keeping, 1000.0)) == 0
    assert (first.exists(), second.exists()) == (False, True)
    assert sum(pruning(db, bodies, Keeping(max_bytes=rows), 1000.0)) == 0
    assert copies(tmp_path) == []
    assert used_bytes(db, aside=7) == rows + 7
    db.close()


def test_others_write_between_two_steps(tmp_path):
    """No transaction is open then, no step deletes or gives back more than a part, and what came meanwhile stays."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    other = open_database(tmp_path, 1.0).db
    fill(db, bodies, 3000, size=1000)
    size = db.execute("PRAGMA page_count").fetchone()[0]
    steps = []
    for went in pruning(db, bodies, Keeping(max_age_s=0.0), now=5000.0):
        assert not db.in_transaction
        other.execute("INSERT INTO memory (kind, key, value) VALUES ('k', ?, '')", (str(len(steps)),))
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        assert went <= CHUNK
        assert size - pages <= 2 * PAGES
        steps.append(went)
        size = pages
    assert sum(steps) == 3000
    assert len(steps) > 3000 / CHUNK
    assert db.execute("SELECT count(*) FROM memory").fetchone()[0] == len(steps)
    db.close()
    other.close()


def test_all_rows_are_summed_once(tmp_path):
    """What the bodies take is added up at the beginning; each step takes off what it deletes, and ends as exactly."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    fill(db, bodies, 4000, size=1000)
    asked: list[str] = []
    db.set_trace_callback(asked.append)
    steps = list(pruning(db, bodies, Keeping(max_bytes=1_200_000), now=4000.0))
    db.set_trace_callback(None)
    assert sum(map(bool, steps)) > 3
    assert sum("sum(body_kept" in statement for statement in asked) == 1
    assert 1_200_000 - 2 * CHUNK * 1000 < used_bytes(db) <= 1_200_000
    db.close()


def test_one_statement_deletes_many(tmp_path):
    """With all that hangs on them; bodies are looked for only where a row says that there are any."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    fill(db, bodies, 1000)
    db.execute("UPDATE calls SET body_kept = 0 WHERE n % 2")
    asked: list[str] = []
    dropped: list[str] = []
    db.set_trace_callback(asked.append)
    bodies.drop = dropped.extend
    assert sum(pruning(db, bodies, Keeping(max_age_s=0.0), now=5000.0)) == 1000
    assert len({statement for statement in asked if statement.startswith("DELETE FROM calls")}) == 2
    assert len(dropped) == 500
    assert db.execute("SELECT count(*) FROM steps").fetchone()[0] == 1
    db.close()
