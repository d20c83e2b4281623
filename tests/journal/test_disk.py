"""The journal on a disk that is really full, and with a file that really cannot be written; unlike the faults of
test_journal.py these come from the system. Calls go on, health says what is wrong, and it mends itself."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daemon.journal import Journal, Which, database, writer
from daemon.journal.database import open_database
from stage.disks import fill


async def until(journal: Journal, state: str) -> None:
    """Wait until the journal is in that STATE; it tries again every 20 ms."""
    for _ in range(500):
        await journal.flush()
        if journal.health()["state"] == state:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(journal.health())


async def test_a_full_disk(small_disk, make_journal, make_call, success, failed_event, tmp_path, monkeypatch):
    """Nothing raises while nothing can be written; when there is room again all of it is written, without a restart,
    and the file is sound. What was forgotten in between is told as not deleted."""
    monkeypatch.setattr(writer, "FREE_FLOOR", 0)
    disk = small_disk(tmp_path / "disk", "2m")
    journal = make_journal(folder=disk)
    for event in success(make_call("c0")):
        journal.record(event)
    assert await journal.flush()
    filler = fill(disk)
    for n in range(1, 200):
        for event in success(make_call(f"c{n}")):
            journal.record(event)
        journal.record(failed_event(make_call(f"f{n}", body=b"x" * 5000)))
    assert not await journal.flush()
    health = journal.health()
    assert health["state"] == "degraded"
    assert "full" in health["why"] or "No space" in health["why"]
    filler.unlink()
    monkeypatch.setattr(journal._rows, "keep_bodies", True)
    await until(journal, "ok")
    assert len(await journal.calls(limit=1000)) == 399
    assert journal.health()["dropped"] == 0
    journal.close()
    db = sqlite3.connect(disk / "journal.db")
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.close()


async def test_forgetting_on_a_full_disk(small_disk, make_journal, make_call, success, tmp_path, monkeypatch):
    """It is refused, or done and told as not clean; never told as done when a text is still there."""
    monkeypatch.setattr(writer, "FREE_FLOOR", 0)
    disk = small_disk(tmp_path / "disk", "2m")
    journal = make_journal(folder=disk)
    for n in range(100):
        for event in success(make_call(f"c{n}", client="OLD-CLIENT")):
            journal.record(event)
    assert await journal.flush()
    filler = fill(disk)
    clean = False
    with contextlib.suppress(Exception):
        clean = (await journal.forget(Which())).clean
    legible = [path for path in disk.glob("journal*") if b"OLD-CLIENT" in path.read_bytes()]
    assert not (clean and legible)
    filler.unlink()
    await until(journal, "ok")
    assert (await journal.forget(Which())).clean
    assert not [path for path in disk.glob("journal*") if b"OLD-CLIENT" in path.read_bytes()]


async def test_a_file_that_cannot_be_written(read_only, make_journal, make_call, success, tmp_path):
    """Read-only: it is said, recording goes on in memory."""
    folder = tmp_path / "journal"
    folder.mkdir(mode=0o700)
    open_database(folder, 1.0).db.close()
    read_only(folder / "journal.db")
    journal = make_journal()
    for event in success(make_call()):
        journal.record(event)
    assert not await journal.flush()
    health = journal.health()
    assert health["state"] == "degraded"
    assert "cannot be written" in health["why"]
    assert health["dropped"] == 0


HOLD = "BEGIN EXCLUSIVE"
SHUT = "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE"
"""Nobody can even read; not to be had while our connection is open."""


@pytest.mark.parametrize(
    ("before", "hold"),
    [(True, HOLD), (True, SHUT), (False, HOLD)],
    ids=["before it starts", "shut before it starts", "while it runs"],
)
async def test_locked_by_another_tool(before, hold, make_journal, make_call, success, failed_event, monkeypatch):
    """However often it tries meanwhile: recording goes on, health says that the file is locked, nothing is put aside or
    dropped, and every row comes once the lock is gone, without a restart, those of a call that ran all the time too."""
    monkeypatch.setattr(database, "_PRAGMAS", database._PRAGMAS.replace("busy_timeout = 2000", "busy_timeout = 2"))
    monkeypatch.setattr(database.sqlite3, "connect", partial(sqlite3.connect, timeout=0.002))
    journal = make_journal()
    *running, end = success(make_call("long"))
    for event in (*success(make_call("first")), *(() if before else running)):
        journal.record(event)
    assert await journal.flush()
    if before:
        journal.close()
    tool = sqlite3.connect(journal.folder / "journal.db", isolation_level=None, timeout=5)
    tool.executescript(hold)
    if before:
        journal = make_journal()
    tries = counted(journal, monkeypatch)
    for n in range(50):
        for event in success(make_call(f"c{n}")):
            journal.record(event)
        journal.record(failed_event(make_call(f"f{n}")))
    while tries[0] < 20:
        assert not await journal.flush()
        await asyncio.sleep(0.005)
    health = journal.health()
    assert (health["state"], health["dropped"]) == ("degraded", 0)
    assert "locked" in health["why"]
    assert not list(journal.folder.glob("journal.corrupt-*"))
    if not before:
        journal.record(end)
    tool.execute("ROLLBACK")
    tool.close()
    await until(journal, "ok")
    rows = {row["id"]: row["state"] for row in await journal.calls(limit=1000)}
    expected = {"first": "done", **{f"c{n}": "done" for n in range(50)}, **{f"f{n}": "failed" for n in range(50)}}
    assert rows == expected | ({} if before else {"long": "done"})
    assert (journal.health()["dropped"], journal.health()["rows"]) == (0, len(rows))
    assert not list(journal.folder.glob("journal.corrupt-*"))


def counted(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often JOURNAL has tried to open its file since."""
    tries, real = [0], writer.open_database

    def opened(*given: Any, **more: Any) -> Any:
        tries[0] += 1
        return real(*given, **more)

    monkeypatch.setattr(writer, "open_database", opened)
    return tries


@pytest.mark.parametrize("seed", range(12))
async def test_random_damage(seed, make_journal, make_call, success):
    """Whatever bytes of the file were overwritten: the journal opens, takes calls, and says so if it had to begin anew;
    the damaged file is kept."""
    rng = random.Random(seed)
    journal = make_journal()
    for n in range(200):
        for event in success(make_call(f"old{n}")):
            journal.record(event)
    assert await journal.flush()
    journal.close()
    _hit(journal.folder / "journal.db", rng)
    again = make_journal()
    for event in success(make_call("new")):
        again.record(event)
    await until(again, "ok")
    assert await again.call("new") is not None
    found: dict[str, Any] = again.health()
    assert ("damaged" in (found["why"] or "")) == bool(list(again.folder.glob("journal.corrupt-*.db")))


def _hit(path: Path, rng: random.Random) -> None:
    """Overwrite a page, the header, or a few bytes."""
    data = bytearray(path.read_bytes())
    size = rng.choice([4096, 100, 16, 4096])
    at = 0 if size == 100 else rng.randrange(0, len(data) // 4096) * 4096 + (0 if size == 4096 else rng.randrange(4000))
    data[at : at + size] = rng.randbytes(size)
    path.write_bytes(bytes(data))
