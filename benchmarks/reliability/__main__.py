"""How much Sluice withstands: one figure a row, measured on this machine against the real daemon.

    python -m benchmarks.reliability                       all figures with their full numbers; takes long
    python -m benchmarks.reliability --scale 0.01          a hundredth of the numbers
    python -m benchmarks.reliability --only F9,F10
    python -m benchmarks.reliability --list

Exit status 1: a target was missed, or a figure could not be measured.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.reliability.figure import Figure, load, names, table


def measured(name: str, scale: float) -> Figure:
    """The figure NAME; one that cannot be measured is a figure that was missed."""
    begun = time.monotonic()
    try:
        figure = load(name)[0](scale)
    except Exception as error:
        traceback.print_exc()
        figure = Figure(name, "could not be measured", "-", f"{type(error).__name__}: {error}", ok=False)
    print(f"{name}: {figure.reached} ({time.monotonic() - begun:.0f} s)", file=sys.stderr, flush=True)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.prog = "python -m benchmarks.reliability"
    parser.add_argument("--scale", type=float, default=1.0, help="the part of the full numbers (default: 1.0)")
    parser.add_argument("--only", default="", help="of these figures: F9,F10")
    parser.add_argument("--list", action="store_true", help="only say which figures there are")
    options = parser.parse_args(arguments)
    there = names()
    wanted = [name.strip().upper() for name in options.only.split(",") if name.strip()] or there
    if unknown := [name for name in wanted if name not in there]:
        parser.error(f"no such figure: {', '.join(unknown)}; there are {', '.join(there)}")
    if options.list:
        print("\n".join(wanted))
        return 0
    figures = [measured(name, options.scale) for name in wanted]
    print(table(figures))
    return 0 if all(one.ok for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
