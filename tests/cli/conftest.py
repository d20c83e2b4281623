"""The command line in this process, in an empty home."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from daemon.cli import main


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home with a short name; nothing of the person's own comes in."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    for name in (
        "SLUICE_SOCKET",
        "SLUICE_CONFIG",
        "SLUICE_STATE_DIR",
        "SLUICE_LOG_LEVEL",
        "SLUICE_LANGUAGE",
        "XDG_STATE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("SLUICE_SOCKET", str(folder / "s"))
    monkeypatch.setenv("SLUICE_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("SLUICE_CONFIG", str(folder / "config.yaml"))
    (folder / "config.yaml").write_text("language: en\n")
    monkeypatch.chdir(folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def run(home: Path, capsys: Any) -> Callable[..., Done]:
    """`run("calls", "--json")`: the exit code and what it printed."""

    def do(*arguments: str) -> Done:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return do


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """`stdin(data)` makes DATA what comes from standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
