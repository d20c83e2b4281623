"""The thread that writes; test_journal.py shows it with a broken disk, test_connection.py with damaged files."""

import asyncio
import contextlib
import sqlite3
import threading
import time

import pytest

from daemon.errors import NotFound
from daemon.journal import housekeeping, open_reader, writer
from daemon.journal.batch import Item
from daemon.model import Event
from journal.recording import make_writer


def test_too_many_events_in_front_are_dropped_and_counted(tmp_path, redactor, make_call, monkeypatch):
    """The queue in front has an end, and what falls off is known; flushes and memory always get in."""
    monkeypatch.setattr(writer, "MAX_QUEUED", 10)
    own = make_writer(tmp_path, redactor)
    for _ in range(20):
        own.record([Event("queued", make_call(), 1.0)])
    own.put(Item())
    assert own.dropped == 9
    assert own.queue.qsize() == 12
    own.record([Event("queued", make_call(), 1.0)] * 3)
    assert own.dropped == 12


def test_who_records_gives_way_to_a_thread_that_is_behind(tmp_path, redactor, make_call, monkeypatch):
    """The interpreter is given away only when more waits than the thread takes at once."""
    given: list[float] = []
    monkeypatch.setattr(writer.time, "sleep", given.append)
    own = make_writer(tmp_path, redactor)
    event = Event("queued", make_call(), 1.0)
    for _ in range(2 * writer.A_BATCH):
        own.record([event])
    assert given == []
    own.record([event])
    assert given == [0]


def test_a_full_queue_is_not_waited_for(tmp_path, redactor, make_call):
    """A hundred calls are a batch: the thread is told, instead of waiting for more; few are not."""
    own = make_writer(tmp_path, redactor)
    for _ in range(writer.A_BATCH):
        own.record([Event("queued", make_call(), 1.0)])
    assert not own._haste.is_set()
    own.record([Event("queued", make_call(), 1.0)])
    assert own._haste.is_set()


async def test_nothing_is_kept_of_calls_that_are_written(make_journal, make_call, success):
    """The journal holds in memory what it has not written, after thousands of calls as after one, and loses none."""
    journal = make_journal()
    for burst in range(20):
        for n in range(100):
            for event in success(make_call(f"c{burst}-{n}")):
                journal.record(event)
        assert await journal.flush()
        own, rows = journal._writer, journal._rows
        assert (own.queue.qsize(), own._pending, rows.stories, rows.news) == (0, [], {}, [])
    assert (journal.health()["rows"], journal.health()["dropped"]) == (2000, 0)


async def test_one_transaction_for_a_burst(make_journal, make_call, success):
    """Hundreds of events that are there at once need a few commits, not hundreds."""
    journal = make_journal()
    await journal.flush()
    commits: list[str] = []

    def count(db: sqlite3.Connection) -> None:
        db.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)

    assert await journal._stored(Item(after=count, urgent=True))
    for n in range(100):
        for event in success(make_call(f"c{n}")):
            journal.record(event)
    await journal.flush()
    assert 0 < len(commits) < 100
    assert journal.health()["rows"] == 100


async def test_bodies_that_cannot_be_written(make_journal, make_call, failed_event):
    """Without room for bodies the rows go on, and health says it."""
    journal = make_journal()
    await journal.flush()
    (journal.folder / "bodies").write_text("in the way")
    journal.record(failed_event(make_call()))
    assert await journal.flush()
    assert journal.health()["state"] == "degraded"
    assert "bodies cannot be kept" in journal.health()["why"]
    assert await journal.rebuild("c1") is None


async def test_the_thread_outlives_a_bug(make_journal, make_call, success, monkeypatch):
    """An error that nobody thought of is logged and said; the next write goes on."""
    journal = make_journal()
    await journal.flush()
    monkeypatch.setattr(writer, "transact", lambda *_: 1 / 0)
    journal.record(success(make_call())[0])
    assert not await journal.flush()
    assert "ZeroDivisionError" in journal.health()["why"]
    monkeypatch.undo()
    assert await journal.flush()
    assert journal.health()["state"] == "ok"


async def test_a_call_that_runs_on_gets_its_row_before_its_end(make_journal, make_call, success, monkeypatch):
    """Without anybody asking for it, and its end changes that row."""
    monkeypatch.setattr(writer, "RUNS_ON_S", 0.02)
    journal = make_journal()
    *before, done = success(make_call())
    for event in before:
        journal.record(event)
    for _ in range(500):
        with contextlib.suppress(NotFound), open_reader(journal.folder) as reader:
            if reader.calls():
                break
        await asyncio.sleep(0.01)
    with open_reader(journal.folder) as reader:
        assert reader.calls()[0]["state"] == "running"
    journal.record(done)
    row = await journal.call("c1")
    assert row is not None
    assert (row["state"], len(row["timeline"]), len(row["tries"])) == ("done", 6, 1)
    assert journal.health()["rows"] == 1


@pytest.mark.parametrize("how", ["closed for a while", "deleted"])
async def test_a_call_that_ends_while_the_file_is_closed(how, make_journal, make_call, success, monkeypatch):
    """The disk refuses, or somebody deletes the file, after the call has got its row: in the file that is opened then
    it is done, and the ledger counts its tokens."""
    monkeypatch.setattr(housekeeping, "HOUSEKEEPING_S", 0.0)
    journal = make_journal()
    *before, done = success(make_call())
    for event in before:
        journal.record(event)
    assert await journal.flush()
    if how == "deleted":
        (journal.folder / "journal.db").unlink()
    else:
        store = writer.transact

        def refuse_once(*given):
            monkeypatch.setattr(writer, "transact", store)
            raise sqlite3.OperationalError("database is locked")

        monkeypatch.setattr(writer, "transact", refuse_once)
    journal.record(done)
    for _ in range(500):
        if await journal.flush():
            break
        await asyncio.sleep(0.01)
    row = await journal.call("c1")
    assert row is not None
    assert (row["state"], row["usage"]["output"]) == ("done", 7)
    assert [(spent.calls, spent.input) for spent in await journal.ledger("1970-01-01")] == [(1, 11)]
    assert journal.health()["dropped"] == 0


def test_a_thread_that_stands_still_is_not_alive(tmp_path, redactor, monkeypatch):
    """A thread that is inside of one step for too long does not write, though it is there; one that waits for something
    to do, for however long, is well, and one that has got on is well again."""
    now, stuck, go_on = [100.0], threading.Event(), threading.Event()

    def stand_still() -> None:
        stuck.set()
        assert go_on.wait(20)

    own = make_writer(tmp_path, redactor, ticks=lambda: now[0])
    assert not own.alive  # not started
    own.start()
    assert own.connection.ready.wait(20)
    until(lambda: own._busy_since is None)
    now[0] += 10_000.0
    assert own.alive  # it waits for something to do
    monkeypatch.setattr(own.housekeeping, "look", stand_still)
    own.put(Item(urgent=True))
    assert stuck.wait(20)
    assert own.alive  # it works
    now[0] += writer.STUCK_S
    assert own.alive
    now[0] += 1.0
    assert not own.alive
    go_on.set()
    until(lambda: own._busy_since is None)
    assert own.alive
    own.put(Item(last=True))
    own.join(20)
    assert not own.alive


def test_each_step_has_its_own_time(tmp_path, redactor, monkeypatch):
    """A turn of several long steps is no standstill."""
    now, seen = [100.0], []
    own = make_writer(tmp_path, redactor, ticks=lambda: now[0])

    def take_long(*given, **more) -> None:
        seen.append(own._busy_since)
        now[0] += writer.STUCK_S

    for part, step in (
        (own.connection, "open"),
        (own.housekeeping, "look"),
        (own, "_store"),
        (own.housekeeping, "prune_on"),
    ):
        monkeypatch.setattr(part, step, take_long)
    own.put(Item(last=True))
    own._run()
    assert seen == [100.0 + number * writer.STUCK_S for number in range(4)]


def until(true) -> None:
    """Wait for what the thread does."""
    ends = time.monotonic() + 20
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.001)
