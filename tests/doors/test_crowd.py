"""How many are in, by both languages together."""

from __future__ import annotations

from daemon.doors.crowd import Crowd
from daemon.doors.gate import Gate


def test_both_languages_are_one_crowd() -> None:
    """Whoever comes in counts, whatever it speaks, and makes room when it goes; one more than the most is too many."""
    crowd = Crowd(2)
    for _ in range(2):
        crowd.came(None)
    assert not crowd.full(None)
    crowd.came(None)
    assert crowd.full(None)
    crowd.went(None)
    assert not crowd.full(None)


def test_each_way_in_has_its_own() -> None:
    """Strangers by TCP must not close the socket, nor the other way round."""
    crowd, gate = Crowd(1), Gate(b"x" * 40, 1)
    for _ in range(9):
        crowd.came(gate)
    assert crowd.full(gate)
    assert not crowd.full(None)
