"""The Emacs benchmark, in a short form: it runs, and measures what it says. The full one is `benchmarks/emacs.py`."""

from __future__ import annotations

import pytest

from benchmarks import emacs as bench
from benchmarks.emacs import Figures
from stage.editor import INSTALL, command_of, gptel_path

FIGURES = Figures(
    "Emacs 30.1",
    direct=[10.0, 20.0, 30.0],
    routed=[12.0, 21.0, 33.0],
    blocked=[8.0, 9.0],
    idle=[1.0, 2.0],
    words=[7, 7],
)


@pytest.mark.e2e
async def test_it_measures_both_ways() -> None:
    """Real gptel answers by both ways, the stream comes whole, and no figure is out of all proportion."""
    command = command_of(30)
    if command is None or not gptel_path():
        pytest.skip(f"Emacs 30 or gptel is missing; {INSTALL}")
    figures = await bench.measure(command, gptel_path(), pairs=4, streams=1, deltas=300)
    assert (len(figures.direct), len(figures.routed), len(figures.blocked)) == (4, 4, 1)
    assert figures.words[0] >= 300
    # A busy machine must not fail this; Sluice waits 500 ms before it asks where a call stands.
    assert min(figures.added) < 250
    assert min(*figures.direct, *figures.routed, *figures.blocked) > 0


def test_pairs_are_compared_with_each_other() -> None:
    """What is added is the median of the differences, not the difference of the medians."""
    assert FIGURES.added == [2.0, 1.0, 3.0]
    table = bench.table(FIGURES)
    assert "added by Sluice, pair by pair          1.2     2.0     2.8" in table
    assert "3 pairs of calls" in table
    assert "     9.0     2.0" in table


@pytest.mark.parametrize(
    ("routed", "blocked", "wrong"), [(4.0, 40.0, 0), (6.0, 40.0, 1), (4.0, 60.0, 1), (6.0, 60.0, 2)]
)
def test_missed_bounds_are_told(routed: float, blocked: float, wrong: int) -> None:
    """Five milliseconds may be added, and fifty block Emacs."""
    figures = Figures("", direct=[0.0, 0.0], routed=[routed, routed], blocked=[1.0, blocked], idle=[0, 0], words=[1, 1])
    assert len(bench.missed(figures)) == wrong
