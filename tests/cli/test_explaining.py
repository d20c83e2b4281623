"""`daemon explain` without a daemon."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.explaining import is_call, sound
from daemon.cli.reading import failure_from, parsed
from daemon.errors import InvalidCall
from daemon.explain import Catalogue
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


@pytest.mark.parametrize("line", ["{", "[]", "1", "[" * 100_000], ids=["half", "list", "number", "depth"])
def test_a_line_that_is_no_object(run: Any, tmp_path: Path, line: str) -> None:
    """Its number is named, and the other lines are answered all the same."""
    with pytest.raises(InvalidCall, match="line 3"):
        parsed(line.encode(), 3)
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text":"x"}\n' + line + '\n{"text":"y"}')
    done = run("explain", "--jsonl", str(file))
    rows = [json.loads(row) for row in done.out.splitlines()]
    assert done.code == 1
    assert ["error" in row for row in rows] == [False, True, False]
    assert "line 2" in rows[1]["error"]


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
    """An id or a client's own id is a call; a file of that name, a path and a sentence are not."""
    monkeypatch.chdir(tmp_path)
    assert all(is_call(name) for name in ("last", "last-failed", "c0123abcd"))
    assert not any(is_call(name) for name in ("-", "error.txt", "a/b", "429 Too Many Requests"))
    Path("c0123abcd").write_text("x")
    assert not is_call("c0123abcd")


def test_languages(run: Any) -> None:
    """A language that is not there is no traceback."""
    assert run("explain", "--text", TEXT, "--language", "xx").code in (0, 1)


def test_the_table_says_whether_waiting_helps(run: Any) -> None:
    """Each kind of failure with an answer in words; the columns stand under each other."""
    head, *rows = run("explain", "--list").out.splitlines()
    at = head.index("does waiting help")
    answers = {row[at : head.index("what it is")].strip() for row in rows}
    assert answers == {row["waiting"] for row in Catalogue.load().subtypes("en")}
    assert len(answers) == 4
    assert next(row for row in rows if row.startswith("insufficient_quota"))[at:].startswith("no, a person must act")


def test_a_language_that_is_not_there(run: Any) -> None:
    """It is said once, with those that there are, and English is used; the configured one needs no words."""
    done = run("explain", "--text", TEXT, "--language", "xx_YY")
    assert (done.code, "credit" in done.out) == (0, True)
    assert "there are no words in 'xx_YY' yet; there are: " in done.err
    assert run("explain", "--text", TEXT, "--language", "en_GB").err == ""


def test_a_broken_configuration_hinders_nobody(run: Any, home: Path) -> None:
    """The text is explained all the same; the mistake is named."""
    (home / "config.yaml").write_text("langauge: en\n")
    done = run("explain", "--text", TEXT)
    assert (done.code, "credit" in done.out, "config.yaml:1" in done.err) == (0, True, True)


def test_rules_of_ones_own(run: Any, home: Path) -> None:
    """They come first; a wrong one is named with its file."""
    (home / "rules").mkdir()
    (home / "rules" / "a.yaml").write_text("- {id: mine, match: {text: my relay is asleep}, subtype: overloaded}\n")
    row = json.loads(run("explain", "--json", "--text", "My relay is asleep").out)
    assert (row["subtype"], row["rule"]) == ("overloaded", "mine")
    (home / "rules" / "a.yaml").write_text("- {id: mine}\n")
    done = run("explain", "--text", "x")
    assert (done.code, "a.yaml: rule mine" in done.err) == (1, True)


def test_a_slip_in_the_providers_name(run: Any) -> None:
    """It is doubted, not refused: rules of one's own may name anybody."""
    assert "did you mean openai?" in run("explain", "--text", TEXT, "--provider", "opanai").err
    assert run("explain", "--text", TEXT, "--provider", "my-relay").err == ""


def test_the_error_itself_as_the_argument(run: Any) -> None:
    """`daemon explain "429 ..."` is what a person tries first."""
    assert "credit" in run("explain", TEXT).out


def test_neither_a_file_nor_a_call(run: Any) -> None:
    """Both are named; an id is only looked for as a call."""
    done = run("explain", "whatever")
    assert (done.code, "there is no file 'whatever', and as for a call: " in done.err) == (1, True)
    assert "there is no file" not in run("explain", "c12345678").err


def test_the_terminal_is_safe(run: Any) -> None:
    """What a provider writes does not drive the terminal, in words or in JSON."""
    for form in ([], ["--json"], ["--why"]):
        out = run("explain", *form, "--text", "rate limit \x9b31m \u202e \x07 end").out
        assert "rate limit" in out
        assert not set(out) & {"\x9b", "\u202e", "\x07"}


def test_no_number_that_json_lacks(run: Any, stdin: Any) -> None:
    """A text may state a limit of 1e999; the line stays JSON."""
    assert sound({"a": [float("inf"), 1.5], "b": float("nan")}) == {"a": [None, 1.5], "b": None}
    stdin(b'{"id": 1e999, "text": "Limit: 1e999, requested 1e999 tokens per minute"}')
    row = json.loads(run("explain", "--jsonl", "-").out, parse_constant=lambda name: pytest.fail(name))
    assert row["id"] is None
