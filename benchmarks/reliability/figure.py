"""One figure of the reliability table: what was measured, what is wanted, what was reached.

A module `fNN.py` in this folder measures one figure. It has one public function and one constant:

    def measure(scale: float) -> Figure
    SHORT = 0.01    # the scale at which the tests run it, within a few seconds

SCALE 1.0 is the full number that the target names (10,000 requests, 2,000 aborts). A module that needs an event loop
runs its own: `measure` is called from plain code.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    id: str
    """As in the list of figures: "F9"."""
    what: str
    """What was done, in one line with its number: "10,000 random requests and answers through the daemon"."""
    target: str
    """What is wanted: "0 differing bytes"."""
    reached: str
    """What was measured, in the target's words: "0 differing bytes in 10,000 of 10,000"."""
    ok: bool
    """True if the target was reached."""


Measure = Callable[[float], Figure]


def count(full: int, scale: float, least: int = 1) -> int:
    """How many of FULL repetitions a run at SCALE does."""
    return max(least, math.ceil(full * scale))


def percentile(values: Iterable[float], part: float) -> float:
    """The smallest of VALUES that at least PART of them (0 to 1) do not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else 0.0


def names(folder: Path = FOLDER) -> list[str]:
    """The figures for which there is a module, in numerical order: F9 before F10."""
    return sorted((path.stem.upper() for path in folder.glob("f[0-9]*.py")), key=lambda name: int(name[1:]))


def load(name: str) -> tuple[Measure, float]:
    """The function that measures the figure NAME, and the scale at which the tests run it."""
    module = importlib.import_module(f"benchmarks.reliability.{name.lower()}")
    return module.measure, module.SHORT


def table(figures: Iterable[Figure]) -> str:
    """FIGURES as a table in Markdown."""
    said = {True: "yes", False: "**no**"}
    rows = [f"| {one.id} | {one.what} | {one.target} | {one.reached} | {said[one.ok]} |" for one in figures]
    return "\n".join(["| | done | wanted | reached | ok |", "|---|---|---|---|---|", *rows])
