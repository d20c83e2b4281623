"""F8: the curl commands of hostile requests, run in each shell: what arrives, and what else they do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.reliability.figure import Figure, count

ROOT = Path(__file__).resolve().parents[2]
SHORT = 0.002
SHELLS = ("sh", "bash", "zsh", "fish")
TESTS = ("tests/curl/test_command.py", "tests/curl/test_traced.py")
SAID = re.compile(r"^(\w+): (\d+) requests, 0 (differences|further processes)", re.MULTILINE)
"""What the tests say of a shell in which all was well."""
SKIPPED = re.compile(r"^SKIPPED .*: (.+ is missing|strace may not look at processes)", re.MULTILINE)


def measure(scale: float) -> Figure:
    """Two tests with these numbers: one compares what arrives, in the other the system tells what is done.

    What a short run cannot look at, since a program is missing, is said; a long one is missed by it.
    """
    sent, traced = count(5000, scale), count(500, scale, least=40)
    done = tried(sent, traced)
    same, quiet, missing = said(done.stdout, sent, traced)
    reached = f"the same bytes from {', '.join(same) or 'none'}; nothing else done by {', '.join(quiet) or 'none'}"
    if missing:
        reached += f"; not looked at: {', '.join(missing)}"
    whole = same == quiet == list(SHELLS)
    return Figure(
        "F8",
        f"{sent} hostile requests by their curl command in each of {', '.join(SHELLS)}, and {traced} under strace",
        "each arrives byte for byte; no further process, no file that was not named",
        reached,
        ok=done.returncode == 0 and (whole or (bool(missing) and scale < 0.1)),
    )


def tried(sent: int, traced: int) -> subprocess.CompletedProcess[str]:
    """The run of the tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-rPs", "-p", "no:cacheprovider", *TESTS]
    env = {**os.environ, "SLUICE_REPLAYS": str(sent), "SLUICE_TRACED": str(traced)}
    chosen = ["-k", "generated or no_further_process"]
    return subprocess.run(
        [*command, *chosen], cwd=ROOT, env=env, capture_output=True, text=True, timeout=7200, check=False
    )


def said(output: str, sent: int, traced: int) -> tuple[list[str], list[str], list[str]]:
    """The shells in which SENT requests arrived, those in which TRACED did nothing else, and what was missing."""
    found = {(shell, what): int(number) for shell, number, what in SAID.findall(output)}
    same = [shell for shell in SHELLS if found.get((shell, "differences")) == sent]
    quiet = [shell for shell in SHELLS if found.get((shell, "further processes")) == traced]
    return same, quiet, sorted(set(SKIPPED.findall(output)))
