"""The script for zsh, in a zsh at a terminal: what it does with Tab cannot be asked of it otherwise."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

CASES = {
    "daemon cal\t": "calls",
    "daemon --sa\t": "--sandbox",
    "sluice sto\t": "stop",
    "daemon calls --fa\t": "calls --failed",
    "daemon --log-level de\t": "--log-level debug",
    "daemon curl --format htt\t": "curl --format httpie",
    "daemon calls --subtype req\t": "calls --subtype requests",
    "daemon explain c_s\t": "explain c_second",
    "daemon promote \t": "promote c_open",
    "daemon replay --direct --via\t last": "replay --direct --via last",
}
"""What is typed, and with which arguments the program runs then."""


def answers(zsh: str, home: Path, script: Path, program: Path, typed: str) -> str:
    """What the program in the place of the daemon says that it was run with."""
    ask = f"PS1= PROMPT_EOL_MARK= ; unsetopt beep; autoload -Uz compinit; compinit -u -d {home}/dump; source {script}"
    (home / "setup").write_text(ask)
    terminal, its_end = pty.openpty()
    world = {"HOME": str(home), "TERM": "dumb", "PATH": f"{program}:/usr/bin:/bin", "COLUMNS": "200"}
    shell = subprocess.Popen([zsh, "-f", "-i"], stdin=its_end, stdout=its_end, stderr=its_end, env=world,
                             start_new_session=True)  # fmt: skip
    os.close(its_end)
    try:
        os.write(terminal, f"source {home}/setup; print rea''dy\n".encode())
        _until(terminal, "ready")
        os.write(terminal, typed.encode() + b"\n")
        return _until(terminal, ">>").rpartition("<<")[2].partition(">>")[0]
    finally:
        os.close(terminal)
        shell.kill()
        shell.wait()


def _until(terminal: int, mark: str) -> str:
    """What the terminal shows until MARK comes."""
    seen, end = "", time.monotonic() + 60
    while mark not in seen:
        assert time.monotonic() < end, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


@pytest.mark.parametrize("typed", CASES)
def test_what_tab_does(typed: str, script: Callable[[str], Path], program: Path, tmp_path: Path) -> None:
    """The command, its options, their values, and calls by asking the daemon; no option beside one
    that excludes it."""
    zsh = shutil.which("zsh")
    if zsh is None:
        pytest.skip("zsh is missing: apt install zsh")
    assert answers(zsh, tmp_path, script("zsh"), program, typed).split() == CASES[typed].split()
