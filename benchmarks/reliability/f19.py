"""F19: the limiter in virtual time, on random schedules, and with clocks that jump."""

from __future__ import annotations

import importlib
import sys

from benchmarks.reliability.daemons import ROOT
from benchmarks.reliability.figure import Figure, count

SHORT = 0.002


def measure(scale: float) -> Figure:
    """10,000 seeds; what each must hold is in tests/pacing/test_schedules.py."""
    sys.path.insert(0, str(ROOT / "tests" / "pacing"))
    schedules = importlib.import_module("test_schedules")
    n = count(10_000, scale, least=10)
    schedules.COUNT, schedules.BATCHES = n, 1
    broken = ""
    try:
        schedules.test_any_schedule_ends_well(0)
    except AssertionError as error:
        broken = str(error).splitlines()[0][:200]
    reached = broken or f"{n} of {n} held"
    target = "no limit overrun, nobody starves, no negative wait, in each"
    return Figure("F19", f"{n} random schedules in virtual time", target, reached, ok=not broken)
