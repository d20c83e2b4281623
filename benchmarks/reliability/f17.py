"""F17: each system call of a daemon's life fails once."""

from __future__ import annotations

import math

from benchmarks.reliability.daemons import sandbox
from benchmarks.reliability.figure import Figure
from faults.daemon_life import live, unwritten

SHORT = 0.02
WARM = 3
"""Lives without a fault: how many calls there are depends a little on what the threads do when."""


def measure(scale: float) -> Figure:
    """Two starts with calls, questions, a reload and an end; the n-th call fails, for each n that any life reached.

    A run that takes all of them must have met each kind of call, and a write to each kind of file.
    """
    stride = max(1, math.floor(1 / scale))
    wrong: list[str] = []
    met: set[str] = set()
    files: set[str] = set()
    with sandbox() as provider:
        untouched = [live(provider.url) for _ in range(WARM)]
        wrong += [f"no fault: {what}" for life in untouched for what in life.wrong]
        points = max(life.faults.count for life in untouched)
        kinds = {kind for life in untouched for kind in life.faults.kinds}
        lives = 0
        for at in range(1, points + 1, stride):
            life = live(provider.url, at)
            lives += bool(life.faults.failed)
            met.add(life.faults.kind)
            if life.faults.kind == "file write":
                files.add(life.faults.failed.strip("'"))
            wrong += [f"{at} {life.faults.failed}: {what}" for what in life.wrong]
    for line in wrong:
        print(line)
    missed = [*sorted(kinds - met), *(f"a write to {name}" for name in unwritten(files))] if stride == 1 else []
    reached = f"{len(wrong)} faults in {lives} lives with one failing call each; {len(kinds)} kinds of calls"
    reached += f", never failed: {', '.join(missed)}" if missed else ""
    target = "all points, >= 300: 0 hangs, 0 leaks, 0 exceptions that nobody caught"
    ok = not wrong and not missed and points >= 300
    return Figure("F17", f"{points} points, every {stride}. fails", target, reached, ok=ok)
