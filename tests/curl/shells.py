"""The shells in which commands are run, in an empty folder full of traps."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

SHELLS = {
    "sh": ["sh"],
    "bash": ["bash", "--norc"],
    "dash": ["dash"],
    "zsh": ["zsh", "-f"],
    "fish": ["fish", "--no-config"],
}


def shell(name: str) -> list[str]:
    """The argv of a shell, or skip with the line that installs it."""
    if not shutil.which(name):
        pytest.skip(f"{name} is missing: apt install {name}")
    if not shutil.which("curl"):
        pytest.skip("curl is missing: apt install curl")
    return SHELLS[name]


def run(argv: Sequence[str], text: str, tmp_path: Path, variables: dict[str, str] | None = None) -> str:
    """Run TEXT as a script in an empty folder with a hostile curlrc and a proxy set; return what it said on stderr."""
    return finish(argv, text, tmp_path, variables).stderr.decode()


def finish(
    argv: Sequence[str], text: str, tmp_path: Path, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The same, with all that came of it."""
    script = tmp_path / "script"
    script.write_text(text + "\n")
    return subprocess.run(
        [*argv, str(script)],
        cwd=tmp_path,
        env=surroundings(tmp_path, variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    )


def surroundings(tmp_path: Path, variables: dict[str, str] | None = None) -> dict[str, str]:
    """An environment with a home whose curlrc adds a header, and with a proxy at which nobody is."""
    home = tmp_path / "home"
    (home / ".config").mkdir(parents=True, exist_ok=True)
    (home / ".curlrc").write_text('header = "X-Curlrc: read"\n')
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "http_proxy": "http://127.0.0.1:9",
        **(variables or {}),
    }
