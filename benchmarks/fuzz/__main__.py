"""Fuzzing with coverage, by atheris:

    pip install -e '.[fuzz]'
    python -m benchmarks.fuzz framing                 until something is found, or C-c
    python -m benchmarks.fuzz redaction -max_total_time=600

What follows the target goes to libFuzzer. What was found is written to `crash-…`: put its bytes into the list in
tests/reliability/test_fuzz.py, then mend it.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run one target."""
    try:
        import atheris
    except ImportError:
        print("sluice: fuzzing needs atheris; run: pip install -e '.[fuzz]'", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["daemon"]):
        from benchmarks.fuzz.targets import TARGETS
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        print(f"sluice: name a target: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
