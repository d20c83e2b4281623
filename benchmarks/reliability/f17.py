"""F17: each system call of a daemon's life fails once."""

from __future__ import annotations

import math

from benchmarks.reliability.daemons import sandbox
from benchmarks.reliability.figure import Figure
from faults.daemon_life import live

SHORT = 0.02


def measure(scale: float) -> Figure:
    """Two starts with calls, questions, a reload and an end; the n-th call fails, for n = 1, 2, … until none does."""
    stride = max(1, math.floor(1 / scale))
    wrong: list[str] = []
    at, lives = 1, 0
    with sandbox() as provider:
        points = live(provider.url).faults.count
        while True:
            life = live(provider.url, at)
            if not life.faults.failed:
                break
            lives += 1
            wrong += [f"{at} {life.faults.failed}: {what}" for what in life.wrong]
            at += stride
    for line in wrong:
        print(line)
    reached = f"{len(wrong)} faults in {lives} lives with one failing call each"
    target = "all points (>= 300, if it makes so many calls): 0 hangs, 0 leaks, 0 exceptions that nobody caught"
    return Figure("F17", f"{points} points, every {stride}. fails", target, reached, ok=not wrong and points >= 200)
