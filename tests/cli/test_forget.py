"""`daemon forget`, by the daemon and without one."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.test_offline import journal  # noqa: F401 - a fixture
from daemon.cli.values import instant


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self) -> bool:
        return True


def test_it_asks(
    journal: tuple[str, str],  # noqa: F811
    run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who answers anything but y deletes nothing; who answers y does; who cannot be asked has to say --yes."""
    good, bad = journal
    refused = run("forget", good)
    assert (refused.code, "--yes" in refused.err) == (1, True)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    kept = run("forget", good)
    assert (kept.code, "nothing was deleted" in kept.err) == (1, True)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    done = run("forget", good)
    assert (done.code, done.out) == (0, "1 call is gone for good.\n")
    assert "This deletes 1 call for good" in done.err
    assert good not in run("calls").out
    assert bad in run("calls").out


def test_without_a_daemon(journal: tuple[str, str], run: Callable[..., Any], home: Path) -> None:  # noqa: F811
    """The bodies first, then all; afterwards nothing of them is in any file of the journal."""
    good, bad = journal
    assert run("curl", bad).code == 0
    assert "nothing is, unless the setting journal.bodies" in run("forget", good, "--bodies", "--yes").out
    assert "of 1 call are gone" in run("forget", "--all", "--bodies", "--yes").out
    assert run("curl", bad).code == 1
    assert run("forget", "--before", "1h", "--yes").out.startswith("Nothing was deleted")
    assert '"calls": 2' in run("forget", "--all", "--yes", "--json").out
    files = [path for path in (home / "state").rglob("*") if path.is_file()]
    assert not [path for path in files if good.encode() in path.read_bytes() or bad.encode() in path.read_bytes()]
    for wrong in ((), ("--bodies", "--yes"), ("--all", "last")):
        assert run("forget", *wrong).code == 1
    for two in (("--all", "last"), ("--all", "--before", "7d", "--yes")):
        assert "leave one of them out" in run("forget", *two).err


def test_what_a_crash_left_open(
    journal: tuple[str, str],  # noqa: F811
    run: Callable[..., Any],
    home: Path,
) -> None:
    """Without a daemon it has ended: it is told and deleted with the others."""
    with contextlib.closing(sqlite3.connect(home / "state" / "journal.db")) as db, db:
        db.execute("UPDATE calls SET state = 'running' WHERE id = ?", (journal[1],))
    refused = run("forget", "--all")
    assert "2 calls" in refused.err
    assert "2 calls are gone for good" in run("forget", "--all", "--yes").out
    assert run("calls", "--json").out == ""


def test_instants() -> None:
    """So long ago, or a local date with or without a time."""
    now = datetime.now()
    assert abs(instant("7d") - (now - timedelta(days=7)).timestamp()) < 60
    assert instant("2026-01-31") == datetime(2026, 1, 31).timestamp()
    assert instant("2026-01-31 18:00") == datetime(2026, 1, 31, 18).timestamp()
    with pytest.raises(Exception, match="neither a duration"):
        instant("soon")
