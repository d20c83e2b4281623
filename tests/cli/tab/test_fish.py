"""The script for fish, in fish."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CASES = {
    "daemon cal": ["calls"],
    "daemon --sa": ["--sandbox"],
    "daemon --log-level ": ["debug", "error", "info", "warning"],
    "daemon calls --f": ["--failed", "--follow"],
    "daemon calls --subtype r": ["requests"],
    "daemon calls --model ": [],
    "daemon curl --format h": ["har", "httpie"],
    "daemon explain c_": ["c_first", "c_second"],
    "daemon promote ": ["c_open"],
    "daemon status ": [],
    "sluice rep": ["replay", "report"],
}
"""What is typed, and what is offered for its last word."""


@pytest.mark.parametrize("typed", CASES)
def test_what_is_offered(typed: str, script: Callable[[str], Path], program: Path, tmp_path: Path) -> None:
    """The command, its options, their values, and calls by asking the daemon, each with what it means."""
    if not shutil.which("fish"):
        pytest.skip("fish is missing: apt install fish")
    home = {"HOME": str(tmp_path), "PATH": f"{program}:{os.environ['PATH']}"}
    lines = f'source {script("fish")}; complete -C "{typed}"'
    done = subprocess.run(["fish", "-c", lines], capture_output=True, text=True, timeout=30, env=home, check=True)
    offered = [line.partition("\t") for line in done.stdout.splitlines()]
    assert sorted(word for word, _, _ in offered) == CASES[typed]
    assert all(about for _, _, about in offered)
    assert not done.stderr
