"""The script for bash, in bash."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CASES = {
    "daemon cal": ["calls"],
    "daemon --sa": ["--sandbox"],
    "sluice --log-level ": ["debug", "info", "warning", "error"],
    "daemon --socket calls can": ["cancel"],
    "daemon calls --f": ["--failed", "--follow"],
    "daemon calls --failed --subtype r": ["requests"],
    "daemon calls --model ": [],
    "daemon curl --format h": ["httpie", "har"],
    "daemon explain c_": ["c_first", "c_second"],
    "daemon promote ": ["c_open"],
    "daemon status x": [],
}
"""What is typed, and what is offered for its last word. What offers nothing leaves it to bash, which offers files."""


@pytest.mark.parametrize("typed", CASES)
def test_what_is_offered(typed: str, script: Callable[[str], Path], program: Path) -> None:
    """The command, its options, their values, and calls by asking the daemon; a value before it is no command."""
    if not shutil.which("bash"):
        pytest.skip("bash is missing: apt install bash")
    lines = f"""source {script("bash")}
    words=({" ".join(f"'{word}'" for word in typed.split(" "))})
    COMP_WORDS=("${{words[@]}}") COMP_CWORD=$((${{#words[@]}} - 1))
    _sluice {program}/"daemon" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
    [ ${{#COMPREPLY[@]}} = 0 ] || printf '%s\\n' "${{COMPREPLY[@]}}"
    complete -p daemon sluice >&2"""
    done = subprocess.run(["bash", "--norc", "-c", lines], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == CASES[typed]
    assert done.stderr.count("-F _sluice") == 2
