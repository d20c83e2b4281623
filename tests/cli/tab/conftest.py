"""The scripts, and a program in the place of `daemon` that knows three calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.cli.tab.scripts import SCRIPTS
from daemon.cli.tab.words import commands


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """`script("bash")`: the file with the script of a shell, in English."""

    def make(shell: str) -> Path:
        file = tmp_path / f"script.{shell}"
        file.write_text("\n".join(SCRIPTS[shell](commands("en", ["requests", "tokens"]))) + "\n")
        return file

    return make


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a `daemon`, which is `sluice`, too: it offers the names of two calls, and of one that is open. Run
    with anything else it says so: `<<status --json>>`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = folder / "daemon"
    fake.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        r"  'completion calls') printf 'c_first\t14:05 gpt-4o 200\nc_second\t14:06 it`s: $(x) 429\n' ;;" + "\n"
        r"  'completion open') printf 'c_open\t14:07 gpt-4o waits\n' ;;" + "\n"
        "  *) printf '<<%s>>\\n' \"$*\" ;;\n"
        "esac\n"
    )
    (folder / "sluice").symlink_to(fake)
    fake.chmod(0o755)
    return folder
