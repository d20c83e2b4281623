"""After forgetting nothing is legible in any file."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

from daemon.journal import Which
from daemon.journal.bodies import Bodies
from daemon.journal.database import open_database
from daemon.journal.forgetting import count, forget, write_anew
from daemon.journal.retention import has_body
from journal.test_retention import fill


def legible(folder: Path, *texts: bytes) -> list[tuple[str, bytes]]:
    """Which of TEXTS stand in which file of FOLDER."""
    files = [(path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    return [(path.name, text) for path, data in files for text in texts if text in data]


def test_only_bodies(tmp_path):
    """Rows stay, files and answers go; what is not meant keeps its own."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    fill(db, bodies, 5)
    assert has_body(db, "c1.request")
    which = Which(before=3.0, only_bodies=True)
    assert count(db, which) == 3
    assert forget(db, bodies, which).calls == 3
    assert (count(db, which), db.execute("SELECT count(*) FROM calls").fetchone()[0]) == (0, 6)
    assert not has_body(db, "c1.request")
    assert has_body(db, "c4.request")
    assert not has_body(db, "c4.answer")
    assert not has_body(db, "c4.request-half")
    db.close()


def test_by_id_and_time(tmp_path):
    """Ids and a time narrow it down together; what runs stays; without any word all that has ended goes."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    fill(db, bodies, 6)
    assert forget(db, bodies, Which(ids=("c1", "c5", "c-1", "c'\"%"), before=4.0)).calls == 1
    assert [row[0] for row in db.execute("SELECT id FROM calls ORDER BY n")] == ["c-1", "c0", "c2", "c3", "c4", "c5"]
    assert not bodies.path("c1", "request").exists()
    assert forget(db, bodies, Which()).calls == 5
    assert [path.name for path in bodies.files()] == ["c-1.request"]
    db.close()


def test_no_remnant_anywhere(tmp_path):
    """Hundreds of calls deleted from between others, some at a time: none of them is legible in the database or its
    WAL, where without writing it anew SQLite leaves pieces that it had moved. The others are all there."""
    db, bodies, rng = open_database(tmp_path, 1.0).db, Bodies(tmp_path), random.Random(1)
    fill(db, bodies, 3000, size=100)
    for n in range(3000):
        mark = f"MARK{n:05d}X"
        db.execute("UPDATE calls SET target = ?, line = ? WHERE id = ?", (mark * rng.randint(1, 40), mark, f"c{n}"))
        db.execute("UPDATE steps SET reason = ? WHERE call = (SELECT n FROM calls WHERE id = ?)", (mark * 9, f"c{n}"))
    gone = rng.sample(range(3000), 1500)
    for some in (gone[:500], gone[500:1000], gone[1000:]):
        assert forget(db, bodies, Which(ids=tuple(f"c{n}" for n in some))).clean
    assert not legible(tmp_path, *(f"MARK{n:05d}X".encode() for n in gone[::5]))
    stay = next(n for n in range(3000) if n not in gone)
    assert legible(tmp_path, f"MARK{stay:05d}X".encode())
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.close()


def test_copies_and_orphans_go_along(tmp_path):
    """Files that were put aside may hold what is forgotten, and so may a body of which no row speaks."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    fill(db, bodies, 2)
    for name in ("journal.corrupt-20260101-000000-000.db", "journal.corrupt-20260101-000000-000.db-wal"):
        (tmp_path / name).write_bytes(b"OLD-TEXT")
    (tmp_path / "journal.db.before-version-2").write_bytes(b"OLD-TEXT")
    (bodies.folder / "c9.request-half").write_bytes(b"OLD-TEXT")
    gone = forget(db, bodies, Which(ids=("c0",)))
    assert (gone.calls, gone.copies, gone.clean) == (1, 3, True)
    assert not legible(tmp_path, b"OLD-TEXT")
    db.close()


def test_a_reader_in_the_way_is_told(tmp_path):
    """While somebody reads an old state the WAL cannot be emptied: that is said, and it works when they are gone."""
    db, bodies = open_database(tmp_path, 1.0).db, Bodies(tmp_path)
    db.execute("PRAGMA busy_timeout = 0")
    fill(db, bodies, 3)
    db.execute("UPDATE calls SET line = 'OLD-LINE'")
    reader = sqlite3.connect(tmp_path / "journal.db")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM calls").fetchone()
    gone = forget(db, bodies, Which())
    assert (gone.calls, gone.clean) == (3, False)
    reader.close()
    assert write_anew(db)
    db.execute("UPDATE calls SET line = ''")
    assert write_anew(db)
    assert not legible(tmp_path, b"OLD-LINE")
    db.close()
