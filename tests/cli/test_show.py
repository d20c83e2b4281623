"""Results as text."""

from __future__ import annotations

import time
from typing import Any

import pytest

from daemon.cli.show import (
    answer_text,
    call_text,
    calls_text,
    clock,
    number,
    queue_text,
    safe,
    span,
    status_text,
    table,
)

NOW = time.mktime((2026, 5, 4, 12, 0, 0, 0, 0, -1))
EVIL = "x\x1b[2J\x07\u202ey"


def test_safe() -> None:
    """Nothing in a model name drives the terminal."""
    assert safe(EVIL) == "x�[2J��y"
    assert safe("tab\tkept\nline kept é🦊") == "tab\tkept\nline kept é🦊"


def test_table() -> None:
    """Columns stand under each other; the last one has no trailing spaces."""
    assert table([["a", "bb", "c"], ["aaa", "b", "cc"]]) == ["a    bb  c", "aaa  b   cc"]
    assert table([]) == []
    assert table([["only"]]) == ["only"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "?"),
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (119, "119 s"),
        (150, "2 min"),
        (7200, "2.0 h"),
        (200000, "2 days"),
    ],
)
def test_span(seconds: float | None, words: str) -> None:
    """As one would say it."""
    assert span(seconds) == words


def test_clock() -> None:
    """The time today, the day before that."""
    assert clock(NOW - 60, NOW) == "11:59:00"
    assert clock(NOW - 86400 * 2, NOW) == "05-02 12:00"
    assert clock(None, NOW) == "-"


def test_number() -> None:
    """Thousands are set apart."""
    assert [number(1234567.0), number(0), number(None)] == ["1,234,567", "0", "?"]


def status(**more: Any) -> dict[str, Any]:
    """A status answer."""
    about = {"version": "1.0", "pid": 7, "socket": "/run/s", "started_at": NOW - 90, "running": 2, "sandbox": False}
    return {"daemon": about, "pools": [], "queue": [], "journal": {"state": "ok"}, **more}


def test_status() -> None:
    """Who runs, what waits and why."""
    pool = {
        "host": "h", "group": "m", "words": "limited by requests",
        "dims": [{"name": "requests per minute", "used": 3.0, "limit": 60.0, "source": "header"}, {"dimension": "tokens"}],
    }  # fmt: skip
    row = {
        "id": "c1",
        "place": 1,
        "eta_at": NOW + 4,
        "client": EVIL,
        "priority": "normal",
        "model": "m",
        "waits_for": "tokens",
    }
    text = "\n".join(status_text(status(pools=[pool], queue=[row]), NOW))
    for words in (
        "Sluice 1.0 runs since 90 s (pid 7) at /run/s", "2 calls under way, 1 of them waiting.", "h m: limited by requests",
        "3 of 60 used", "unknown", "c1", "4.0 s", "tokens",
    ):  # fmt: skip
        assert words in text
    assert "\x1b" not in text
    assert "Journal" not in text


def test_status_of_trouble() -> None:
    """A journal that does not work, and sandbox mode, are said."""
    about = {**status()["daemon"], "sandbox": True, "started_at": None}
    text = "\n".join(status_text(status(daemon=about, journal={"state": "degraded", "why": "disk full"}), NOW))
    assert "Journal: degraded: disk full" in text
    assert "nothing leaves this machine" in text
    assert "since ?" in text


def test_queue_with_little() -> None:
    """What is not known is not invented."""
    assert queue_text([{"id": "c1"}], NOW)[1].split() == ["?", "c1", "?", "-", "-", "-", "its", "turn"]


def test_calls() -> None:
    """A line each; a hint when there are none."""
    rows = [
        {"id": "c1", "started_at": NOW, "client": "emacs", "host": "h", "model": "m", "duration_s": 1.25, "status": 200, "state": "done"},
        {"id": "c2", "state": "waiting", "subtype": None},
        {"id": "c3", "state": "failed", "status": 429, "subtype": "requests", "line": EVIL},
    ]  # fmt: skip
    lines = calls_text(rows, NOW)
    assert len(lines) == 4
    assert "\x1b" not in "".join(lines)
    assert lines[1].endswith("200")
    assert lines[2].endswith("waiting")
    assert "429 requests: x" in lines[3]
    assert "No calls yet" in calls_text([], NOW)[0]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"status": 200, "state": "done"}, "200"),
        ({"status": 200, "state": "cancelled"}, "200 cancelled"),
        ({"state": "interrupted"}, "interrupted"),
        ({}, "-"),
        ({"status": 429, "subtype": "tokens", "line": "Too many."}, "429 tokens: Too many."),
    ],
)
def test_answers(row: dict[str, Any], words: str) -> None:
    """How a call ended."""
    assert answer_text(row) == words


def test_one_call() -> None:
    """One whole, with its timeline; times are counted from its beginning."""
    timeline = [{"at": NOW, "text": "queued"}, {"at": NOW + 1.5, "kind": EVIL}]
    row = {
        "id": "c1",
        "method": "POST",
        "host": "h",
        "target": "/v1",
        "model": "m",
        "started_at": NOW,
        "status": 200,
        "timeline": timeline,
    }
    lines = call_text(row, NOW)
    assert lines[0] == "Call c1: POST h/v1"
    assert lines[-2] == "      0.000 s  queued"
    assert lines[-1].startswith("      1.500 s  x")
    assert "\x1b" not in "".join(lines)
