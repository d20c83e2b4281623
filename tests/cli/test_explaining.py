"""`daemon explain` without a daemon."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.explaining import failure_from, is_call, parsed
from daemon.errors import InvalidCall
from daemon.model import Failure

TEXT = "Error code: 429 - insufficient_quota: your quota is used up, check your plan and billing details"


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let DATA be the standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_text(run: Any) -> None:
    """By option, as JSON, with the rules that looked."""
    done = run("explain", "--text", TEXT)
    assert done.code == 0
    assert "credit" in done.out
    row = json.loads(run("explain", "--text", TEXT, "--json").out)
    assert row["subtype"] == "insufficient_quota"
    assert "why_rules" not in row
    assert json.loads(run("explain", "--text", TEXT, "--json", "--why").out)["why_rules"]
    assert len(run("explain", "--text", TEXT, "--why").out) > len(done.out)


def test_a_file_and_standard_input(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the bytes are."""
    (tmp_path / "error.txt").write_bytes(TEXT.encode() + b"\xff\x00")
    assert "credit" in run("explain", str(tmp_path / "error.txt")).out
    stdin(monkeypatch, TEXT.encode())
    assert "credit" in run("explain").out
    stdin(monkeypatch, TEXT.encode())
    assert "credit" in run("explain", "-").out


def test_nothing_to_explain(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty input and a missing file are said in words."""
    stdin(monkeypatch, b" \n")
    done = run("explain")
    assert (done.code, "nothing to explain" in done.err) == (1, True)
    done = run("explain", "/nowhere/at-all")
    assert (done.code, "cannot be read" in done.err) == (1, True)


def test_many(run: Any, tmp_path: Path) -> None:
    """A line of facts for each line of JSON, whichever form it has; empty lines mean nothing."""
    rows = [
        {"id": "a", "text": TEXT},
        {
            "id": "b",
            "status": 401,
            "headers": {"x": 1},
            "body": {"error": {"code": "invalid_api_key"}},
            "provider": "openai",
        },
        {"id": "c", "status": None, "headers": None, "body": None},
        {"id": "d", "status": "x", "headers": [], "body": "<html>", "provider": 5},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n\n".join(json.dumps(row) for row in rows))
    told = [json.loads(line) for line in run("explain", "--jsonl", str(file)).out.splitlines()]
    assert [row["id"] for row in told] == ["a", "b", "c", "d"]
    assert [row["subtype"] for row in told[:2]] == ["insufficient_quota", "invalid_api_key"]
    assert all(row["line"] for row in told)


@pytest.mark.parametrize("line", ["{", "[]", "1", "[" * 100_000])
def test_a_line_that_is_no_object(run: Any, tmp_path: Path, line: str) -> None:
    """Its number is named."""
    with pytest.raises(InvalidCall, match="line 3"):
        parsed(line, 3)
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text":"x"}\n' + line)
    done = run("explain", "--jsonl", str(file))
    assert (done.code, "line 2" in done.err) == (1, True)


def test_failure_from() -> None:
    """A text, or an HTTP answer in its parts."""
    assert failure_from({"text": "x", "provider": "openai"}) == Failure(text="x", provider="openai")
    whole = failure_from({"status": 429, "headers": {"a": 1}, "body": "b"})
    assert whole == Failure(status=429, headers=(("a", "1"),), body=b"b")


def test_listing(run: Any) -> None:
    """All kinds of failure, as a table and as JSON."""
    rows = json.loads(run("explain", "--list", "--json").out)
    out = run("explain", "--list").out
    assert len(out.splitlines()) == len(rows) + 1
    assert "insufficient_quota" in out


def test_is_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id is not a file; a file of that name is a file."""
    monkeypatch.chdir(tmp_path)
    assert all(is_call(name) for name in ("last", "last-failed", "c0123abcd"))
    assert not any(is_call(name) for name in ("-", "error.txt", "c0123", "LAST"))
    Path("last").write_text("x")
    assert not is_call("last")


def test_languages(run: Any) -> None:
    """A language that is not there is no traceback."""
    assert run("explain", "--text", TEXT, "--language", "xx").code in (0, 1)
