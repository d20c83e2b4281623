"""The journal on a disk that is really full, and with a file that really cannot be written; unlike the faults of
test_journal.py these come from the system. Calls go on, health says what is wrong, and it mends itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daemon.journal import Journal, Which, connection, database, housekeeping
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
    monkeypatch.setattr(housekeeping, "FREE_FLOOR", 0)
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
    monkeypatch.setattr(housekeeping, "FREE_FLOOR", 0)
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
    tries, real = [0], connection.open_database

    def opened(*given: Any, **more: Any) -> Any:
        tries[0] += 1
        return real(*given, **more)

    monkeypatch.setattr(connection, "open_database", opened)
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


TOLD = """
import asyncio, os, sys
from pathlib import Path
from daemon.journal import Journal
from daemon.model import Ask, Call, Event, Origin, Scope
from daemon.redact import Redactor, Sealed

async def main():
    journal = Journal(Path(sys.argv[1]), redactor=Redactor(b"i"), linger_s=0.0)
    journal.start()
    await journal.flush()
    for n in range(8):
        origin, scope = Origin("h", "https://h", "openai"), Scope("h", "-", "m")
        call = Call(f"c{n}", origin, scope, "POST", Sealed("/"), (), b"", Ask())
        journal.record(Event("queued", call, 1.0))
        if n % 2:
            journal.record(Event("done", call, 2.0, 1, status=200, final=True))
        if n == 5:
            journal.memory.remember_now("count", "n", "5")
        assert await journal.flush()
        os.write(1, b"told %d\\n" % n)
    journal.close()

asyncio.run(main())
"""
CALL = re.compile(r"^\d+ +(write|pwrite64|fsync|fdatasync)\(\d+<([^>]*)>(.*)$")
"""A line of strace -f -y: the call, the file, and the rest."""


@dataclass
class Synced:
    """What strace saw, read line by line."""

    dirty: set[str] = field(default_factory=set)
    """Files of the journal that were written to since their last sync."""
    writes: int = 0
    """To the journal, since the last word."""
    told: list[tuple[int, set[str]]] = field(default_factory=list)
    """For each word: how much had been written for it, and what of that was not synced."""

    def take(self, line: str) -> None:
        """One call of the system, when it ended."""
        found = CALL.match(line)
        if found is None:
            return
        name, file, rest = found.groups()
        database_file = Path(file).name in ("journal.db", "journal.db-wal")
        if name in ("write", "pwrite64") and '"told ' in rest:
            self.told.append((self.writes, set(self.dirty)))
            self.writes = 0
        elif name in ("write", "pwrite64") and database_file:
            self.dirty.add(file)
            self.writes += 1
        elif name in ("fsync", "fdatasync") and database_file and "= 0" in rest:
            self.dirty.discard(file)


def test_nothing_is_told_before_it_is_synced(tmp_path: Path) -> None:
    """By the system's own account: whatever `flush` acknowledges was written to the WAL, and that was synced after the
    last such write and before the word. kill -9 could not tell; a power cut could."""
    if not shutil.which("strace"):
        pytest.skip("strace is missing: apt install strace")
    if subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not look at processes here: run it where ptrace is allowed")
    record = tmp_path / "strace"
    watch = ["strace", "-f", "-y", "-qq", "-e", "signal=none", "-e", "trace=write,pwrite64,fsync,fdatasync"]
    child = [sys.executable, "-c", TOLD, str(tmp_path / "journal")]
    done = subprocess.run([*watch, "-o", str(record), *child], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    seen = Synced()
    for line in whole_lines(record.read_text("utf-8", "replace")):
        seen.take(line)
    assert [writes > 0 for writes, _ in seen.told] == [True] * 8
    assert [unsynced for _, unsynced in seen.told] == [set()] * 8


def whole_lines(record: str) -> list[str]:
    """The lines of strace, with those put together that another thread's call came between. A call counts where it
    ended."""
    lines, begun = [], {}
    for line in record.splitlines():
        process, _, rest = line.partition(" ")
        if line.endswith("<unfinished ...>"):
            begun[process] = line.removesuffix("<unfinished ...>")
        elif rest.lstrip().startswith("<... ") and process in begun:
            lines.append(begun.pop(process) + rest.partition("resumed>")[2])
        else:
            lines.append(line)
    return lines
