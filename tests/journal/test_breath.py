"""The journal's thread gives way to calls, and falls behind for nobody."""

from __future__ import annotations

from daemon.journal import batch
from daemon.journal.breath import A_FEW, BEHIND, PAUSE_S, pause, turns
from daemon.journal.database import open_database


def test_there_is_a_rest_after_every_few() -> None:
    """As many turns as are asked for, with a rest after each few of them."""
    done: list[int] = []
    rests: list[int] = []
    for number in turns(2 * A_FEW + 1, lambda: 0, lambda: rests.append(len(done))):
        done.append(number)
    assert done == list(range(1, 2 * A_FEW + 2))
    assert rests == [A_FEW, 2 * A_FEW]


def test_who_is_behind_does_not_rest() -> None:
    """With too many events waiting there is no pause: they would be dropped."""
    rests: list[int] = []
    assert len(list(turns(4 * A_FEW, lambda: BEHIND + 1, lambda: rests.append(1)))) == 4 * A_FEW
    assert rests == []


def test_a_pause_is_short() -> None:
    """A thousandth of a second, which nobody who waits for the journal notices."""
    slept: list[float] = []
    pause(slept.append)
    assert slept == [PAUSE_S]
    assert PAUSE_S <= 0.001


def test_between_statements_too(tmp_path, monkeypatch) -> None:
    """Many rows are written by several statements with pauses between; a few, for which somebody waits, by one."""
    rests: list[int] = []
    monkeypatch.setattr(batch, "pause", lambda: rests.append(1))
    db = open_database(tmp_path, 1.0).db
    statement = "INSERT INTO memory (kind, key, value) VALUES (?, ?, ?)"
    assert batch.together(db, statement, [("few", str(n), "") for n in range(8)]) == 8
    assert rests == []
    assert batch.together(db, statement, [("many", str(n), "") for n in range(1000)]) == 1000
    assert len(rests) > 1
    assert db.execute("SELECT count(*) FROM memory").fetchone()[0] == 1008
    db.close()
