"""Fuzzing with coverage, by atheris:

    pip install -e '.[fuzz]'
    python -m benchmarks.fuzz every 600               framing, matching and redaction, ten minutes in all
    python -m benchmarks.fuzz framing                 until something is found, or C-c
    python -m benchmarks.fuzz redaction -max_total_time=600

What follows the target goes to libFuzzer. What was found is written to `crash-…`: put its bytes into the list in
tests/reliability/test_fuzz.py, then mend it.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

EVERY: Final = ("framing", "matching", "redaction")
"""What `every` looks at, one after the other."""


def commands(seconds: int) -> list[list[str]]:
    """What to run so that EVERY target has its part of SECONDS. A process each: libFuzzer ends the one it runs in."""
    part = max(1, seconds // len(EVERY))
    return [[sys.executable, "-m", "benchmarks.fuzz", name, f"-max_total_time={part}"] for name in EVERY]


def main() -> int:
    """Run one target, or every one; 0: nothing was found."""
    try:
        import atheris
    except ImportError:
        print("sluice: fuzzing needs atheris; run: pip install -e '.[fuzz]'", file=sys.stderr)
        return 2
    if sys.argv[1:2] == ["every"] and len(sys.argv) == 3 and sys.argv[2].isdigit():
        return max([subprocess.run(command, check=False).returncode != 0 for command in commands(int(sys.argv[2]))])
    with atheris.instrument_imports(include=["daemon"]):
        from benchmarks.fuzz.targets import TARGETS
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        print(f"sluice: name a target: {', '.join(TARGETS)}; or: every SECONDS", file=sys.stderr)
        return 2
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
