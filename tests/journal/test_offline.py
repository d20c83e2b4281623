"""Deleting while no daemon runs."""

from __future__ import annotations

import pytest

from daemon.errors import NotFound
from daemon.journal import Which, forget_offline, open_reader
from daemon.model import Event
from journal.test_forgetting import legible


async def test_it_deletes_and_lets_go(make_journal, make_call, failed_event):
    """The calls go for good, and a daemon can start afterwards."""
    journal = make_journal()
    call = make_call("c1", body=b"OLD-PROMPT")
    for event in (Event("queued", call, 10.0), failed_event(call), Event("queued", make_call("c2"), 11.0)):
        journal.record(event)
    await journal.flush()
    journal.close()
    assert legible(journal.folder, b"OLD-PROMPT")
    assert forget_offline(journal.folder, Which(ids=("c1",))).calls == 1
    assert not legible(journal.folder, b"OLD-PROMPT")
    again = make_journal()
    assert [row["id"] for row in await again.calls()] == ["c2"]


async def test_what_a_crash_left_open_goes_too(make_journal, make_call):
    """No daemon runs, so nothing of it is under way: who forgets all has nothing left. It is counted before."""
    journal = make_journal()
    for name, kind in (("w", "queued"), ("r", "sent"), ("h", "held")):
        journal.record(Event(kind, make_call(name, client="OLD-CLIENT"), 10.0, 1))
    await journal.flush()
    journal.close()
    with open_reader(journal.folder) as reader:
        assert reader.count(Which()) == 0
        assert reader.count(Which(), open_too=True) == 3
    assert forget_offline(journal.folder, Which()).calls == 3
    assert not legible(journal.folder, b"OLD-CLIENT")


async def test_not_beside_a_daemon(make_journal, make_call, success):
    """While one writes, nothing is touched; without a journal there is nothing to delete."""
    journal = make_journal()
    for event in success(make_call()):
        journal.record(event)
    assert await journal.flush()
    with pytest.raises(NotFound, match="another daemon"):
        forget_offline(journal.folder, Which())
    assert len(await journal.calls()) == 1
    with pytest.raises(NotFound, match="no journal"):
        forget_offline(journal.folder / "none", Which())
    assert not (journal.folder / "none").exists()


async def test_a_damaged_file_is_left_to_the_daemon(make_journal, make_call, success):
    """It can still save calls from it, which deleting would end."""
    journal = make_journal()
    for event in success(make_call()):
        journal.record(event)
    assert await journal.flush()
    journal.close()
    file = journal.folder / "journal.db"
    file.write_bytes(b"garbage" * 5000)
    with pytest.raises(NotFound, match="nothing was deleted"):
        forget_offline(journal.folder, Which())
    assert file.read_bytes() == b"garbage" * 5000
