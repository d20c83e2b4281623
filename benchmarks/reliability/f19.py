"""F19: the limiter in virtual time, on random schedules, and with clocks that jump."""

from __future__ import annotations

import importlib
import sys

from benchmarks.reliability.daemons import ROOT
from benchmarks.reliability.figure import Figure, count

SHORT = 0.002


def measure(scale: float) -> Figure:
    """10,000 seeds; what each must hold is in tests/pacing/test_schedules.py. Overruns count where the limits were told
    and nobody else used them; what cannot be known is counted apart."""
    sys.path.insert(0, str(ROOT / "tests" / "pacing"))
    schedules = importlib.import_module("test_schedules")
    n = count(10_000, scale, least=10)
    reached, good = "", False
    try:
        sums = schedules.run(range(n))
        reached, good = str(sums), sums.hours >= 80 * n or n < 1000
    except AssertionError as error:
        reached = str(error).splitlines()[0][:200]
    target = "0 overruns of told limits, nobody starves, no negative wait, 100 virtual hours each on the average"
    what = f"{n} random schedules in virtual time, with sleeps and clocks set by up to a year"
    return Figure("F19", what, target, reached, ok=good)
