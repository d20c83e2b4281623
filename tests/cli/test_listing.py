"""`daemon calls`: the newest calls, or one whole."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

import pytest

from daemon.cli import listing

ASKED = {"since": None, "model": None, "client": None, "subtype": None, "failed": False, "limit": 30}


def test_what_nobody_asked_for_is_no_filter() -> None:
    """The daemon gets the filters that were given, and what always has a value."""
    assert listing.filters(Namespace(**ASKED)) == {"failed": False, "limit": 30}
    told = listing.filters(Namespace(**{**ASKED, "model": "m*", "since": 60.0}))
    assert told == {"failed": False, "limit": 30, "model": "m*", "since_s": 60.0}


def test_nothing_found(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said whether there is no call at all, or none that matches; what the journal could not keep is told."""
    answer: dict[str, Any] = {"calls": []}
    monkeypatch.setattr("daemon.cli.client.ask", lambda *given, **more: answer)
    assert "No calls yet" in run("calls").out
    assert "No call matches" in run("calls", "--model", "m*").out
    assert json.loads(run("calls", "--json").out or "[]") == []


def test_one_call_is_not_followed(run: Any) -> None:
    """`--follow` is for the list."""
    assert run("calls", "c1", "--follow").code != 0
