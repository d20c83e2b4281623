"""The pacer's memory."""

import contextlib
import sqlite3
import threading

from daemon.journal.batch import Item
from daemon.journal.memory import DiskMemory, Remembered


def test_over_a_restart(make_journal):
    """Values come back, the newest of each; what was forgotten does not."""
    journal = make_journal()
    memory = journal.memory
    memory.remember("day", "a", "1")
    memory.remember("day", "a", "2")
    memory.remember("shape", "b", "3")
    memory.remember("day", "c", "4")
    memory.forget("day", "c")
    assert memory.recall("day") == {"a": "2"}
    journal.close()
    again = make_journal().memory
    assert again.recall("day") == {"a": "2"}
    assert again.recall("shape") == {"b": "3"}
    assert again.recall("none") == {}


def test_remember_now_is_on_disk_when_it_returns(make_journal):
    """Another connection sees the value at once."""
    import sqlite3

    journal = make_journal(linger_s=5.0)
    journal.memory.remember_now("day", "a", "1")
    db = sqlite3.connect(journal.folder / "journal.db")
    assert db.execute("SELECT value FROM memory").fetchall() == [("1",)]
    db.close()


def test_without_a_disk_it_remembers_in_memory(make_journal, tmp_path):
    """With a journal that cannot be opened nothing raises and nothing hangs."""
    (tmp_path / "file").write_text("")
    memory = make_journal(folder=tmp_path / "file").memory
    memory.remember_now("day", "a", "1")
    assert memory.recall("day") == {"a": "1"}


async def test_nobody_waits_for_what_takes_long(make_journal, monkeypatch):
    """The file is written anew, for many seconds perhaps: `remember_now`, which blocks the event loop, returns at once.
    Its value is on disk afterwards."""
    monkeypatch.setattr("daemon.journal.memory.PATIENCE_S", 3600.0)
    journal = make_journal()
    assert await journal.flush()
    begun, end, ended = threading.Event(), threading.Event(), list[bool]()

    def work(db: sqlite3.Connection) -> None:
        begun.set()
        ended.append(end.wait(5.0))

    journal._writer.put(Item(after=work, urgent=True))
    assert begun.wait(5.0)
    journal.memory.remember_now("day", "a", "1")
    assert not ended
    end.set()
    assert await journal.flush()
    with contextlib.closing(sqlite3.connect(journal.folder / "journal.db")) as db:
        assert db.execute("SELECT value FROM memory").fetchall() == [("1",)]


def test_what_takes_long_may_begin_while_somebody_waits(monkeypatch):
    """It is looked for again after each moment, and at most two seconds are waited in all."""
    monkeypatch.setattr("daemon.journal.memory.A_MOMENT_S", 0.001)

    class Soon(threading.Event):
        """Set when it is asked for the third time."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > 2

    busy = Soon()
    DiskMemory(Remembered(), lambda item: None, threading.Event(), busy).remember_now("k", "a", "1")
    assert busy.asked == 3


def test_what_is_known_stands():
    """Values read from a file later do not replace newer ones of this process."""
    values, ready = Remembered(), threading.Event()
    ready.set()
    memory = DiskMemory(values, lambda item: None, ready, threading.Event())
    memory.remember("k", "a", "new")
    values.merge([("k", "a", "old"), ("k", "b", "old")])
    assert memory.recall("k") == {"a": "new", "b": "old"}


def test_of_one_kind_the_newest_are_kept(make_journal, monkeypatch):
    """In memory, in the file, and over a restart; what is written again is new. Other kinds are not touched."""
    monkeypatch.setattr("daemon.journal.memory.MOST", 3)
    journal = make_journal()
    journal.memory.remember("day", "x", "0")
    for key in ("a", "b", "c", "a", "d"):
        journal.memory.remember("shape", key, key)
    assert list(journal.memory.recall("shape")) == ["c", "a", "d"]
    journal.close()
    again = make_journal().memory
    assert list(again.recall("shape")) == ["c", "a", "d"]
    again.remember_now("shape", "e", "e")
    assert list(again.recall("shape")) == ["a", "d", "e"]
    assert again.recall("day") == {"x": "0"}


def test_what_comes_from_a_file_is_older():
    """Than what this process has remembered before the file was open."""
    values = Remembered()
    values.put("k", "mine", "1")
    values.merge([("k", "theirs", "1"), ("k", "mine", "0")])
    assert values.kind("k") == {"theirs": "1", "mine": "1"}
    assert list(values.kind("k"))[-1] == "mine"
