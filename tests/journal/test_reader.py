"""Questions to the journal; test_journal.py has the lists and filters."""

import re
from dataclasses import replace

import pytest

from daemon.errors import InvalidCall, NotFound
from daemon.journal import open_reader
from daemon.journal.database import open_database, schema
from daemon.journal.reader import missing, shown, without_explanation
from daemon.model import Event, Usage


async def test_names_of_a_call(make_journal, make_call, success, failed_event):
    """An id, the beginning of one, the client's id, last and last-failed; an ambiguous beginning is said."""
    journal = make_journal()
    for name in ("abc1", "abc2", "xyz1"):
        for event in success(make_call(name)):
            journal.record(event)
    journal.record(failed_event(make_call("bad1")))
    journal.record(success(make_call("last1"))[0])
    found = {
        name: (await journal.call(name) or {}).get("id")
        for name in ("abc1", "xyz", "r-abc2", "last", "last-failed", "ab", "no'pe")
    }
    assert found == {
        "abc1": "abc1",
        "xyz": "xyz1",
        "r-abc2": "abc2",
        "last": "last1",
        "last-failed": "bad1",
        "ab": None,
        "no'pe": None,
    }
    with pytest.raises(InvalidCall, match="abc1, abc2"):
        await journal.call("abc")


async def test_filters_find_failed_calls_by_their_index(make_journal, make_call, success, failed_event):
    """A subtype is looked for among failed calls alone, through the index that is there for them."""
    journal = make_journal()
    for event in success(make_call("good")):
        journal.record(event)
    journal.record(failed_event(make_call("bad1")))
    await journal.flush()
    with open_reader(journal.folder) as reader:
        asked: list[str] = []
        reader._db.set_trace_callback(asked.append)
        subtype = reader.calls(failed=True)[0]["subtype"]
        assert [row["id"] for row in reader.calls(subtype=subtype)] == ["bad1"]
        plan = reader._db.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
        assert "calls_failed" in plan[0]["detail"]


def test_without_a_journal_it_says_what_to_do(tmp_path):
    """No file: the message names the folder and the way out."""
    with pytest.raises(NotFound, match="start the daemon"):
        open_reader(tmp_path)
    (tmp_path / "journal.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(NotFound, match="cannot be read"):
        open_reader(tmp_path)


@pytest.mark.parametrize(("version", "way_out"), [(-1, "start the daemon once"), (1, "the Sluice that wrote it")])
def test_a_journal_of_another_version(tmp_path, version, way_out):
    """An older one, as after an update, is brought up to date by the daemon; a newer one is not for us."""
    opened = open_database(tmp_path, 1.0)
    opened.db.execute(f"PRAGMA user_version = {len(schema()) + version}")
    opened.db.close()
    with pytest.raises(NotFound, match=way_out):
        open_reader(tmp_path)


def test_a_damaged_page_is_told_in_words(tmp_path):
    """It is met only when it is read: whoever asked learns that the journal cannot be read, and what mends it."""
    opened = open_database(tmp_path, 1.0)
    root = opened.db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'calls'").fetchone()[0]
    opened.db.close()
    file = tmp_path / "journal.db"
    data = bytearray(file.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    file.write_bytes(data)
    with pytest.raises(NotFound, match=r"cannot be read.* the daemon mends it"), open_reader(tmp_path) as reader:
        reader.calls()


async def test_a_reader_cannot_write(make_journal):
    """The connection refuses to change anything."""
    import sqlite3

    journal = make_journal()
    await journal.flush()
    with open_reader(journal.folder) as reader, pytest.raises(sqlite3.OperationalError):
        reader._db.execute("DELETE FROM calls")


def test_secrets_in_a_target_are_shown_by_name():
    """A target for people."""
    assert shown(["/x?key=", {"secret": "key:abc"}, "&a=1"]) == "/x?key=«key:abc»&a=1"


async def test_the_ledger_adds_up(make_journal, make_call, success, failed_event):
    """Each ended call counts once under its day, host, key, model and client; an attempt that goes on, not yet."""
    journal = make_journal()
    for number in range(3):
        for event in success(make_call(f"c{number}")):
            journal.record(event)
    bad = make_call("c9")
    for event in (Event("queued", bad, 1000.0), failed_event(bad, final=False), failed_event(bad, attempt=2)):
        journal.record(event)
    gone = make_call("c10")
    journal.record(Event("queued", gone, 1000.0))
    journal.record(Event("cancelled", gone, 1001.0, final=True))
    await journal.flush()
    [row] = await journal.ledger("1970-01-01")
    assert (row.host, row.model, row.client, row.calls, row.failed) == ("api.openai.com", "gpt-4o", "emacs", 4, 1)
    assert (row.input, row.output, row.cached_input, row.estimated) == (33, 21, 6, 0)
    assert await journal.ledger("1970-01-03") == []


async def test_an_answer_that_was_not_read_to_its_end_counts(make_journal, make_call, failed_event):
    """The row and the ledger have the tokens that passed before the client left or the stream was cut."""
    journal = make_journal()
    left, cut = make_call("left"), make_call("cut")
    usage = Usage(input=10, output=4, reported=False)
    for call in (left, cut):
        journal.record(Event("queued", call, 1000.0))
        journal.record(Event("sent", call, 1000.0, 1))
    journal.record(Event("cancelled", left, 1001.0, 1, usage=usage, final=True))
    journal.record(replace(failed_event(cut), usage=usage))
    for name, state in (("left", "cancelled"), ("cut", "failed")):
        row = await journal.call(name)
        assert row is not None
        assert (row["state"], row["usage"]["output"], row["usage"]["reported"]) == (state, 4, False)
    rows = await journal.ledger("1970-01-01")
    assert [(row.calls, row.failed, row.input, row.output, row.estimated) for row in rows] == [(2, 1, 20, 8, 2)]


async def test_the_ledger_outlives_the_calls(make_journal, make_call, success):
    """What was used stays known when the calls are too old to be kept."""
    journal = make_journal(max_age_days=0.001)
    for event in success(make_call("c1")):
        journal.record(event)
    await journal.flush()
    journal.close()
    again = make_journal(max_age_days=0.001, folder=journal.folder)
    await again.flush()
    assert [row.calls for row in await again.ledger("1970-01-01")] == [1]


def test_a_call_that_is_not_there_is_named_as_it_was_asked_for():
    """Nobody is told that there is no call 'last-failed'."""
    assert "no call has failed" in missing("last-failed").message
    assert "no call yet" in missing("last").message
    assert "no call 'cabc'" in missing("cabc").message


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"state": "done", "line": None}, "has not failed"),
        ({"state": "interrupted", "line": None}, "may have been paid for"),
        ({"state": "held", "line": None}, "has not ended"),
        (
            {"state": "failed", "line": "the deadline has passed"},
            "Sluice itself, no answer .*: the deadline has passed",
        ),
        ({"state": "cancelled", "line": "the client left"}, "the client left"),
    ],
)
def test_a_call_without_an_explanation(row, words):
    """What we have ended ourselves is no call that went well: its reason is told."""
    assert re.search(words, without_explanation({"id": "c1", **row}))
