"""What the journal looks after while it runs: its file, free space and old calls, and how often."""

import asyncio
import os

import pytest

from daemon.journal import housekeeping
from daemon.journal.batch import Item
from daemon.journal.database import open_database
from daemon.model import Event
from journal.recording import make_writer, recorded


def test_nothing_wakes_a_quiet_journal(tmp_path, redactor, make_call, monkeypatch):
    """The thread looks after its file every minute in which something comes, else once an hour; what comes after a long
    silence is written after such a look, since the file may have gone meanwhile."""
    now = [5000.0]
    monkeypatch.setattr(housekeeping.time, "monotonic", lambda: now[0])
    own, looks = make_writer(tmp_path, redactor), []
    own.connection.opened = open_database(tmp_path, 1.0)
    monkeypatch.setattr(own.connection.lookout, "is_there", lambda *_: looks.append(now[0]) or True)
    own.housekeeping.look()
    own.housekeeping.prune_on()
    assert own._idle_s() == 3600.0
    now[0] += 3000.0
    own.queue.put(Item(urgent=True))
    own._collect()
    own.housekeeping.look()
    own.housekeeping.prune_on()
    assert looks == [5000.0, 8000.0]
    assert own._idle_s() == 60.0
    now[0] += 60.0
    own.housekeeping.look()
    own.housekeeping.prune_on()
    assert own._idle_s() == 3600.0
    own.connection.opened.db.close()


def test_what_comes_while_old_calls_go_does_not_wait_for_the_end_of_it(tmp_path, redactor, make_call, monkeypatch):
    """The thread takes what is in its queue between two steps, and goes on at once; a file that breaks ends it."""
    own = make_writer(tmp_path, redactor)
    own.connection.opened = open_database(tmp_path, 1.0)
    steps = iter((500, 500))
    monkeypatch.setattr(housekeeping, "pruning", lambda *_: steps)
    own.connection.count = 2000
    own.housekeeping.look()
    own.connection.count = 2000
    own.housekeeping.prune_on()
    assert (own.connection.count, own._idle_s()) == (1500, 0.01)
    own.record([Event("queued", make_call(), 1.0)])
    own._collect()
    assert own.queue.qsize() == 0
    own.housekeeping.prune_on()
    own.housekeeping.prune_on()
    assert own.connection.count == 1000
    assert own._idle_s() > 0.01
    own.connection.pruning = iter((1, 2))
    own.connection.disconnect()
    own.housekeeping.prune_on()
    assert own.connection.count == 1000


async def test_low_on_space_keeps_rows_without_bodies(make_journal, make_call, failed_event, monkeypatch):
    """Below the floor of free space the rows go on without bodies; above it bodies are kept again."""
    monkeypatch.setattr(housekeeping, "HOUSEKEEPING_S", 0.0)
    monkeypatch.setattr(housekeeping, "FREE_FLOOR", 1 << 62)
    journal = make_journal()
    await journal.flush()
    await journal.flush()
    journal.record(failed_event(make_call("c1")))
    await journal.flush()
    assert "MiB are free" in journal.health()["why"]
    assert await journal.rebuild("c1") is None
    monkeypatch.setattr(housekeeping, "FREE_FLOOR", 0)
    await journal.flush()
    await journal.flush()
    journal.record(failed_event(make_call("c2")))
    assert await journal.rebuild("c2") is not None
    assert journal.health()["state"] == "ok"


@pytest.mark.parametrize("how", ["deleted", "replaced", "overwritten"])
async def test_a_file_that_goes_away_while_it_runs(how, make_journal, make_call, success, monkeypatch):
    """Deleted, replaced or overwritten by somebody: noticed by the housekeeping, and a new file is begun."""
    monkeypatch.setattr(housekeeping, "HOUSEKEEPING_S", 0.0)
    journal = make_journal()
    journal.memory.remember("day", "k", "v")
    await recorded(journal, success(make_call("c1")))
    path = journal.folder / "journal.db"
    if how == "overwritten":
        path.write_bytes(b"garbage" * 5000)
    else:
        path.unlink()
    if how == "replaced":
        path.write_bytes(b"garbage" * 5000)
    for _ in range(200):
        assert await journal.flush()
        if path.exists() and path.read_bytes()[:6] == b"SQLite":
            break
        await asyncio.sleep(0.01)
    await recorded(journal, success(make_call("c2")))
    assert await journal.call("c2") is not None
    assert journal.health()["state"] == "ok"
    journal.close()
    assert make_journal().memory.recall("day") == {"k": "v"}


async def test_copies_that_were_put_aside_are_looked_after(make_journal, make_call, success):
    """Health counts their bytes, and the housekeeping deletes one that is older than any call may be."""
    journal = make_journal()
    await recorded(journal, success(make_call()))
    journal.close()
    before = journal.health()["bytes"]
    copy = journal.folder / "journal.db.before-version-2"
    copy.write_bytes(b"x" * 5000)
    os.utime(copy, (1000.0, 1000.0))
    assert journal.health()["bytes"] == before + 5000
    again = make_journal(max_age_days=1.0, clock=lambda: 90_000.0)
    for _ in range(500):
        await again.flush()
        if not copy.exists():
            break
        await asyncio.sleep(0.01)
    assert not copy.exists()
