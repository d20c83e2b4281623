"""`daemon completion calls`, as the scripts run it."""

from __future__ import annotations

from typing import Any

import pytest

ROWS = [
    {"id": "c3", "state": "waiting", "started_at": 1.7e9, "model": "gpt-4o"},
    {"id": "c2", "state": "failed", "status": 429, "subtype": "requests", "line": "too fast", "model": "a\tb\x1b[2J"},
    {"id": "c1", "state": "done", "status": 200, "model": None},
]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the daemon answers, and what it was asked."""
    told: dict[str, Any] = {"calls": ROWS}

    def ask(where: object, method: str, params: dict[str, Any]) -> dict[str, Any]:
        told["asked"] = method, params["limit"]
        return told

    monkeypatch.setattr("daemon.cli.client.ask", ask)
    return told


def test_names_of_calls(run: Any, known: dict[str, Any]) -> None:
    """The newest ones, the two words that mean one, and what each is; a model's name drives no terminal."""
    lines = [line.split("\t") for line in run("completion", "calls").out.splitlines()]
    assert [name for name, _ in lines] == ["last", "last-failed", "c3", "c2", "c1"]
    assert "429 requests: too fast" in lines[3][1]
    assert "\x1b" not in lines[3][1]
    assert known["asked"] == ("calls", 20)


def test_names_of_calls_that_can_be_cancelled(run: Any, known: dict[str, Any]) -> None:
    """What has ended is not offered, and `last` may have ended."""
    assert [line.split("\t")[0] for line in run("completion", "open").out.splitlines()] == ["c3"]


def test_nothing_to_offer(run: Any, known: dict[str, Any]) -> None:
    """Without calls there is no last one."""
    known["calls"] = []
    assert run("completion", "calls") == (0, "", "")


def test_without_a_daemon(run: Any) -> None:
    """Neither a daemon nor a journal: nothing to offer, and an error, which the scripts do not show."""
    done = run("completion", "open")
    assert (done.code, done.out) == (1, "")
