"""Questions that the journal answers, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_without_a_daemon(run: Any) -> None:
    """Each command that needs one says how to start it; those that read say that there is no journal."""
    for command, words in (("status", "start it with `daemon`"), ("stop", "there is nothing to stop")):
        done = run(command)
        assert done.code == 1
        assert words in done.err
        assert "Traceback" not in done.err
    for arguments in (("calls",), ("calls", "last"), ("curl", "last"), ("explain", "last")):
        done = run(*arguments)
        assert done.code == 1
        assert "no journal" in done.err


def test_where_the_socket_is(run: Any, home: Path) -> None:
    """One line for other programs, also when no daemon runs: as told, else where it would be."""
    assert run("socket") == (0, f"{home / 's'}\n", "")
    assert run("socket", "--socket", "/a b/s").out == "/a b/s\n"
