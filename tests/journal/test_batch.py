"""Many items in one transaction."""

import sqlite3

import pytest

from daemon.journal import statements as sql
from daemon.journal.batch import Item, together, transact
from daemon.journal.bodies import Bodies
from daemon.journal.database import open_database
from daemon.journal.rows import Keeping, Rows


@pytest.fixture
def db(tmp_path):
    """An open journal."""
    opened = open_database(tmp_path, 1.0)
    yield opened.db
    opened.db.close()


def remember(key: str, value: object = "v") -> Item:
    """An item that writes one value."""
    return Item([(sql.REMEMBER, {"kind": "k", "key": key, "value": value})])


def test_one_bad_item_does_not_hold_up_the_others(db):
    """What can never be stored is skipped and told; the rest of the batch is stored."""
    skipped: list[Exception] = []
    transact(db, [remember("a"), remember("b", None), remember("c", object()), remember("d")], [], skipped.append)
    assert [row[0] for row in db.execute("SELECT key FROM memory ORDER BY key")] == ["a", "d"]
    assert len(skipped) == 2


def test_what_is_learned_again_and_again_is_written_once(db):
    """Under a load each statement makes the thread wait for the event loop: of one place in the memory the last stands,
    also when it was forgotten in between."""
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    forget = Item([(sql.FORGET, {"kind": "k", "key": "b"})])
    again = [remember("a", f"v{n}") for n in range(30)]
    transact(db, [*again, remember("b"), forget, remember("c"), forget, remember("c", "w")], [], pytest.fail)
    db.set_trace_callback(None)
    assert len(statements) == 5
    assert db.execute("SELECT key, value FROM memory ORDER BY key").fetchall() == [("a", "v29"), ("c", "w")]


def test_a_failed_transaction_stores_nothing(db):
    """When the database says no, all of the batch is left for the next time."""

    def full(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(sqlite3.OperationalError):
        transact(db, [remember("a"), Item(work=full)], [], lambda error: None)
    assert not db.in_transaction
    assert db.execute("SELECT count(*) FROM memory").fetchone()[0] == 0


def test_one_bad_call_does_not_hold_up_the_others(db, tmp_path, redactor, make_call, success):
    """A call that can never be stored is skipped, one with a figure that SQLite cannot hold is stored with the nearest;
    the others are whole, and the ledger counts each once."""
    rows, skipped = Rows(redactor, Keeping(), Bodies(tmp_path)), list[Exception]()
    for name in ("good", "bad", "huge"):
        for event in success(make_call(name)):
            rows.note(event)
    good, bad, huge = rows.due(0.0)
    bad.steps[0] = (None, *bad.steps[0][1:])
    huge.row["answer_bytes"] = 2**70
    assert transact(db, [], [good, bad, huge], skipped.append) == 2
    assert len(skipped) == 1
    found = db.execute("SELECT id, (SELECT count(*) FROM steps WHERE call = n), answer_bytes FROM calls ORDER BY n")
    assert found.fetchall() == [("good", 6, 99), ("huge", 6, 2**63 - 1)]
    assert db.execute("SELECT calls, input FROM ledger").fetchall() == [(2, 22)]


def test_a_call_that_has_a_row_already(db, tmp_path, redactor, make_call, success):
    """After the file was opened anew nothing is taken to be in it: a row that is there is changed, and not doubled."""
    rows = Rows(redactor, Keeping(), Bodies(tmp_path))
    events = success(make_call())
    rows.note(events[0])
    assert transact(db, [], rows.due(0.0), pytest.fail) == 1
    rows.rest()
    rows.renumber(db.execute(sql.LAST_NUMBER).fetchone()[0])
    for event in events[1:]:
        rows.note(event)
    assert transact(db, [], rows.due(0.0), pytest.fail) == 0
    assert db.execute("SELECT n, state, (SELECT count(*) FROM steps) FROM calls").fetchall() == [(1, "done", 6)]


@pytest.mark.parametrize("file", ["the same", "another"])
def test_a_call_that_has_ended_while_the_file_was_closed(file, db, tmp_path, redactor, make_call, success):
    """Its row was in the file before; it is done in the one that is opened then, and the ledger has its tokens."""
    rows = Rows(redactor, Keeping(), Bodies(tmp_path))
    *before, done = success(make_call())
    for event in before:
        rows.note(event)
    assert transact(db, [], rows.due(0.0), pytest.fail) == 1
    rows.rest()
    rows.note(done)
    (tmp_path / "new").mkdir()
    opened = db if file == "the same" else open_database(tmp_path / "new", 1.0).db
    rows.renumber(opened.execute(sql.LAST_NUMBER).fetchone()[0])
    transact(opened, [], rows.due(0.0), pytest.fail)
    assert opened.execute("SELECT id, state, host, output_tokens FROM calls").fetchall() == [
        ("c1", "done", "api.openai.com", 7)
    ]
    assert opened.execute("SELECT calls, input FROM ledger").fetchall() == [(1, 11)]
    if opened is not db:
        opened.close()


def test_done_is_told_once():
    """Whoever waits hears the first outcome only."""
    heard: list[bool] = []
    item = Item(done=heard.append)
    item.settle(True)
    item.settle(False)
    assert heard == [True]


def test_many_calls_are_written_by_few_statements(db, tmp_path, redactor, make_call, success):
    """Each statement has to wait for the interpreter beside a busy event loop: a hundred calls take less than thirty,
    and all of them, with their attempts and steps, are there."""
    rows, said = Rows(redactor, Keeping(), Bodies(tmp_path)), list[str]()
    for number in range(100):
        for event in success(make_call(f"c{number}")):
            rows.note(event)
    db.set_trace_callback(said.append)
    assert transact(db, [], rows.due(0.0), pytest.fail) == 100
    db.set_trace_callback(None)
    assert len(said) < 30
    found = db.execute(
        "SELECT id, (SELECT count(*) FROM attempts WHERE call = n), (SELECT count(*) FROM steps WHERE call = n) "
        "FROM calls ORDER BY n"
    )
    assert found.fetchall() == [(f"c{number}", 1, 6) for number in range(100)]
    assert db.execute("SELECT calls FROM ledger").fetchall() == [(100,)]


def test_calls_that_the_file_knows_are_changed(db, tmp_path, redactor, make_call, success):
    """Another file was opened while they ran, and it is the same again: they are not written twice, the others are."""
    rows = Rows(redactor, Keeping(), Bodies(tmp_path))
    for name in ("a", "b"):
        rows.note(success(make_call(name))[0])
    assert transact(db, [], rows.due(0.0), pytest.fail) == 2
    rows.renumber(2)
    for name in ("a", "b", "c"):
        for event in success(make_call(name)):
            rows.note(event)
    assert transact(db, [], rows.due(0.0), pytest.fail) == 1
    assert db.execute("SELECT id, state FROM calls ORDER BY n").fetchall() == [
        ("a", "done"),
        ("b", "done"),
        ("c", "done"),
    ]


def test_together_in_any_number(db):
    """Every row is written, whatever number of them makes up the statements."""
    db.execute("PRAGMA foreign_keys = OFF")
    total = 0
    for number in (1, 2, 3, 127, 128, 129, 300):
        steps = [(7, float(total + i), "sent", 1, None, None, None) for i in range(number)]
        assert together(db, sql.STEP, steps) == number
        total += number
    assert db.execute("SELECT count(*), count(DISTINCT at) FROM steps").fetchone() == (total, total)
    assert together(db, sql.STEP, []) == 0
