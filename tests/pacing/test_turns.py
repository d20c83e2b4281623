"""How long calls are under way."""

import pytest

from daemon.pacing.turns import MANY, Turns


def running(*begun: float, took: tuple[float, ...] = (20.0,)) -> Turns:
    """Calls that began at BEGUN; those before them TOOK so long."""
    turns = Turns()
    for seq, seconds in enumerate(took):
        turns.begin(seq, 0.0)
        turns.end(seq, seconds, whole=True)
    for seq, at in enumerate(begun, 100):
        turns.begin(seq, at)
    return turns


@pytest.mark.parametrize(("nth", "expected"), [(1, 12.0), (2, 15.0), (3, 32.0), (4, 35.0), (5, 52.0)])
def test_each_call_follows_the_one_that_ends_first(nth: int, expected: float) -> None:
    """Two run at a time, twenty seconds each; the third one takes the place of the first."""
    assert running(100.0, 103.0).ends_in_s(nth, 2, 108.0) == expected


def test_one_that_takes_longer_than_the_others_ends_soon() -> None:
    """Never at once, which nobody knows."""
    assert running(100.0).ends_in_s(1, 1, 150.0) == 2.0


def test_free_places_are_taken_first() -> None:
    """Of three places two are free: whoever takes them now has ended in twenty seconds, the one that runs sooner."""
    assert [running(100.0).ends_in_s(nth, 3, 108.0) for nth in (1, 2, 3, 4)] == [12.0, 20.0, 20.0, 32.0]


def test_before_the_first_answer_nobody_knows() -> None:
    """Also where calls were refused at once, and where one ends that began before anybody counted."""
    turns = running(100.0, took=())
    turns.begin(7, 100.0)
    turns.end(7, 100.1, whole=False)
    turns.end(99, 120.0, whole=True)
    assert turns.ends_in_s(1, 1, 105.0) is None
    turns.end(100, 120.0, whole=True)
    assert turns.mean_s == 20.0


def test_new_answers_count_more_than_old_ones() -> None:
    """Answers that have become longer are soon expected to be so."""
    turns = running(took=(10.0,) * 100 + (50.0,) * 2 * MANY)
    assert 40.0 < turns.mean_s < 50.0
