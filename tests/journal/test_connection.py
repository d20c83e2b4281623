"""What the journal does with its file when it is opened: after a crash, beside another daemon, damaged, or too new."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from daemon.errors import NotFound
from daemon.journal import open_reader
from daemon.journal.batch import Item
from daemon.model import Event
from journal.recording import recorded, until_ok


async def test_a_crash_leaves_interrupted_rows(make_journal, make_call, success):
    """Calls under way when the daemon dies are marked at the next start, ended ones are not."""
    journal = make_journal()
    await recorded(journal, [*success(make_call("c1")), *success(make_call("c2"))[:3]])
    journal.close()  # the file is as a kill would leave it: without the events that end c2
    again = make_journal()
    assert [row["state"] for row in await again.calls()] == ["interrupted", "done"]


async def test_orphaned_bodies_are_swept_at_start(make_journal, make_call, failed_event):
    """A body without a row (a crash came between) goes at the next start; the others stay."""
    journal = make_journal()
    journal.record(failed_event(make_call()))
    await journal.flush()
    journal.close()
    (journal.folder / "bodies" / "lost.request").write_bytes(b"x")
    again = make_journal()
    await again.flush()
    assert [path.name for path in (again.folder / "bodies").iterdir()] == ["c1.request"]


async def test_calls_that_run_are_not_interrupted(make_journal, make_call, success):
    """What a crash left is looked for later where the file was damaged: calls of this daemon have rows by then."""
    journal = make_journal()
    for event in (*success(make_call("left"))[:2], Event("queued", make_call("runs"), 1.0)):
        journal.record(event)
    assert await journal.flush()
    del journal._rows.stories["left"]
    journal._writer.put(Item(work=journal._writer.connection._clear_up))
    states = {row["id"]: row["state"] for row in await journal.calls()}
    assert states == {"left": "interrupted", "runs": "waiting"}


async def test_a_second_daemon_does_not_write(make_journal, make_call, success):
    """While one process has the lock another one goes without a journal, and takes over when the first ends."""
    first = make_journal()
    await recorded(first, success(make_call("c1")))
    second = make_journal()
    second.record(Event("queued", make_call("c2"), 1.0))
    assert not await second.flush()
    assert "another daemon" in second.health()["why"]
    assert second.health()["state"] == "degraded"
    first.close()
    assert await until_ok(second)
    assert [row["id"] for row in await second.calls()] == ["c2", "c1"]


async def test_a_second_daemon_knows_what_the_first_has_learned(make_journal, make_call, failed_event):
    """It reads what is remembered at once, while the first still writes; and what it keeps itself until the first ends,
    rows and bodies, is not lost then."""
    first = make_journal()
    first.memory.remember_now("limit", "a", "7")
    second = make_journal()
    assert second.memory.recall("limit") == {"a": "7"}
    await recorded(first, [Event("queued", make_call("c1"), 1.0), failed_event(make_call("c1"))])
    for event in (Event("queued", make_call("c2"), 1.0), failed_event(make_call("c2"))):
        second.record(event)
    assert not await second.flush()
    first.close()
    assert await until_ok(second)
    rows = {row["id"]: row for row in await second.calls()}
    assert rows.keys() == {"c1", "c2"}
    assert second.body_file("c2").exists()


@pytest.mark.parametrize("damage", ["header", "page", "garbage", "empty"])
async def test_a_damaged_file_is_put_aside(damage, make_journal, make_call, success, caplog):
    """The journal starts with a new file, keeps the old one, saves what can be read, and the memory above all. The log
    says so, and how much was saved."""
    caplog.set_level("INFO")
    journal = make_journal()
    journal.memory.remember_now("day", "k", "v")
    for n in range(300):
        for event in success(make_call(f"old{n}")):
            journal.record(event)
    await journal.flush()
    journal.close()
    _damage(journal.folder / "journal.db", damage)
    again = make_journal()
    await recorded(again, success(make_call("new")))
    health = again.health()
    assert health["state"] == "ok"
    assert await again.call("new") is not None
    if damage == "empty":  # an empty file is a new database
        return
    assert "damaged" in health["why"]
    (aside,) = again.folder.glob("journal.corrupt-*.db")
    assert f"the journal was damaged: it is kept as {aside}" in caplog.text
    if damage == "page":
        assert again.memory.recall("day") == {"k": "v"}
        for _ in range(200):
            if len(await again.calls(limit=1000)) > 200:
                break
            await asyncio.sleep(0.01)
        assert len(await again.calls(limit=1000)) > 200
        assert (await again.calls(limit=1))[0]["id"] == "new"
        for _ in range(200):
            if "of the damaged journal" in caplog.text:
                break
            await asyncio.sleep(0.01)
        assert f"calls of the damaged journal {aside} were saved" in caplog.text


async def test_what_is_saved_from_a_damaged_file_keeps_its_bodies(make_journal, make_call, success, failed_event):
    """A bad page at the start: the calls come into the new file, and their bodies are still there. What no row speaks
    of goes then, and what a crash had left open is told as interrupted."""
    journal = make_journal()
    for n in range(300):
        for event in success(make_call(f"old{n}")):
            journal.record(event)
    await recorded(journal, [Event("queued", make_call("bad"), 1.0), failed_event(make_call("bad"))])
    await recorded(journal, [Event("queued", make_call("cut"), 1.0)])
    journal.close()
    lost = journal.folder / "bodies" / "lost.request"
    lost.write_bytes(b"x")
    _damage(journal.folder / "journal.db", "page")
    again = make_journal()
    for _ in range(500):
        states = {row["id"]: row["state"] for row in await again.calls(limit=1000)}
        if states.get("cut") == "interrupted":
            break
        await asyncio.sleep(0.01)
    assert await again.rebuild("bad") is not None
    assert (states["bad"], states["cut"]) == ("failed", "interrupted")
    assert not lost.exists()


def _damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "header":
        data[:100] = b"\0" * 100
    elif how == "garbage":
        data = bytearray(b"not a database at all, but long enough to be one. " * 200)
    elif how == "empty":
        data = bytearray()
    else:
        with contextlib.closing(sqlite3.connect(path)) as db:
            root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'steps_call'").fetchone()[0]
        data[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(bytes(data))


async def test_a_newer_journal_is_left_alone(make_journal, make_call, success):
    """A file of a newer version is not touched: the daemon runs without, and says so."""
    journal = make_journal()
    await recorded(journal, success(make_call()))
    journal.close()
    db = sqlite3.connect(journal.folder / "journal.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    bytes_before = (journal.folder / "journal.db").read_bytes()
    again = make_journal()
    again.record(Event("queued", make_call("c2"), 1.0))
    assert not await again.flush()
    assert again.health()["state"] == "off"
    assert "newer" in again.health()["why"]
    again.close()
    assert (journal.folder / "journal.db").read_bytes() == bytes_before
    with pytest.raises(NotFound):
        open_reader(journal.folder)


async def test_since_when_nothing_is_written(make_journal, make_call, success):
    """A trouble in which calls are written is not counted: only since the file is closed for it are any missing."""
    journal = make_journal(retry_s=60.0)
    await recorded(journal, success(make_call("c1")))
    connection = journal._writer.connection
    connection.trouble("little room")
    assert (journal.gap(), journal.health()["since"]) == (None, None)

    def full(db: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    assert not await journal._stored(Item(after=full, urgent=True))
    gap = journal.gap()
    assert gap is not None
    assert gap["since"] == journal.health()["since"] is not None


async def test_another_thread_is_refused(make_journal):
    """Who uses the writing connection beside its thread is told so: to close it under a statement that runs would end
    the process (SQLite 3.40.1, Python 3.11)."""
    journal = make_journal()
    await journal.flush()
    with pytest.raises(sqlite3.ProgrammingError, match="thread"):
        journal._writer.connection.opened.db.close()
