"""Frozen to whoever reads and to the type checker, quick to the interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from daemon.model import Usage, noun

ROOT = Path(__file__).resolve().parents[2]


@noun(frozen=True, slots=True)
class Point:
    """An example."""

    x: int
    y: int = 2


def test_it_is_a_value() -> None:
    """Equal and hashable by its fields, with slots and defaults."""
    assert Point(1) == Point(1, 2) != Point(2)
    assert len({Point(1), Point(1), Point(2)}) == 2
    assert not hasattr(Point(1), "__dict__")


def test_the_type_checker_lets_nobody_change_one() -> None:
    """To assign to a field of a noun is an error of mypy, which runs over all of daemon/."""
    code = "from daemon.model import Usage; Usage().input = 3"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--cache-dir=/dev/null", "-c", code],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert 'Property "input" defined in "Usage" is read-only' in done.stdout, done.stdout + done.stderr
    assert Usage(input=3).input == 3
