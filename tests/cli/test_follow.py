"""Which calls are shown, and that none is shown twice. With a real daemon: tests/e2e/test_follow.py."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import follow
from daemon.cli.client import NotRunning


class Daemon:
    """A line to a daemon that has these calls, tells of them one by one, and then ends."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = {row["id"]: row for row in rows}
        self.asked: list[Any] = []

    def __call__(self, paths: Any) -> Daemon:
        return self

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is open."""

    def ask(self, method: str, params: Any) -> Any:
        """Answer `subscribe` and `calls`."""
        self.asked.append((method, params))
        ids = params.get("ids", list(self.rows))
        return {"calls": [self.rows[one] for one in ids]}

    def told(self) -> Any:
        """All have ended."""
        yield from ({"calls": [one]} for one in self.rows)


def row(name: str, ended_at: float | None, state: str = "done") -> dict[str, Any]:
    """A call of a list."""
    return {
        "id": name,
        "state": state,
        "ended_at": ended_at,
        "started_at": time.time(),
        "status": 200,
        "model": name * 9,
    }


@pytest.fixture
def start(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`start(rows, json=True)` makes a follower of a daemon with these rows."""

    def make(rows: list[dict[str, Any]], **options: Any) -> tuple[follow.Follower, Daemon]:
        daemon = Daemon(rows)
        monkeypatch.setattr(follow, "Line", daemon)
        monkeypatch.setattr(follow.offline, "answer", lambda where, method, params: daemon.ask(method, params))
        names = {"socket": None, "config": None, "state_dir": None, "language": "en", "command": "calls"}
        told = argparse.Namespace(**{**names, "json": False, "limit": 30, **options})
        return follow.Follower(told, {"failed": False, "limit": 30, **options.get("filters", {})}), daemon

    return make


def test_once_each(start: Callable[..., Any], capsys: Any) -> None:
    """Told of, read again from the journal, asked for after a restart: each call is one line, in order of its end."""
    later = time.time() + 60
    follower, _ = start([row("a", later + 2), row("b", later + 1)], json=True)
    follower.follow()
    follower.read_on()
    assert follower.comes_back()
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]


def test_what_was_missed(start: Callable[..., Any], capsys: Any) -> None:
    """Calls that ended since we began and those that a crash cut; none that is still under way or ended before."""
    later = time.time() + 60
    follower, daemon = start([], json=True, filters={"model": "m*", "since_s": 5.0})
    follower.follow()
    rows = [row("new", later), row("old", 10.0), row("cut", None, "interrupted"), row("on", None, "running")]
    daemon.rows = {one["id"]: one for one in rows}
    follower.read_on()
    assert {json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()} == {"new", "cut"}
    asked = {"failed": False, "model": "m*", "since_s": 5.0, "limit": 30, "language": "en"}
    assert daemon.asked[1] == ("calls", asked)
    assert daemon.asked[-1][1]["model"] == "m*"
    assert daemon.asked[-1][1]["since_s"] > follow.LONGEST_S - 1


def test_a_table_that_grows(start: Callable[..., Any], capsys: Any) -> None:
    """The head stands once above; columns become wider, and stay so."""
    later = time.time() + 60
    follower, _ = start([row("a", later), row("bb", later + 1), row("c", later + 2)])
    follower.follow()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["call", "a", "bb", "c"]
    assert lines[2].index("200") == lines[3].index("200") > lines[1].index("200")


def test_nobody_there(home: Path, run: Callable[..., Any]) -> None:
    """Without a daemon at the beginning it says so."""
    done = run("calls", "--follow")
    assert (done.code, "no daemon answers" in done.err) == (1, True)


def test_still_nobody(start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Later it goes on waiting."""
    follower, _ = start([])

    def refuse(paths: Any) -> Any:
        raise NotRunning("nobody")

    monkeypatch.setattr(follow, "Line", refuse)
    assert follower.comes_back() is False


def test_while_the_journal_cannot_be_written(start: Callable[..., Any], capsys: Any, monkeypatch: Any) -> None:
    """Calls that end then cannot be shown: it is said why, once for each time that it begins."""
    follower, daemon = start([])
    journal = {"state": "degraded", "since": 1.0, "why": "disk is full"}
    monkeypatch.setattr(daemon, "ask", lambda method, params: {"calls": [], "journal": journal})
    for since in (1.0, 1.0, 2.0):
        journal["since"] = since
        follower._ask(daemon, ids=["x"])
    assert capsys.readouterr().err.count("are missing here: disk is full") == 2
