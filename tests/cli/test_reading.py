"""What people give to be explained: files and standard input of every sort, rows of JSON lines."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import reading
from daemon.cli.reading import failure_from, is_sentence, numbered, parsed, text_of
from daemon.errors import InvalidCall, NotFound
from daemon.model import Failure

ROOT = Path(__file__).resolve().parents[2]


def options(source: str = "-", text: str | None = None) -> argparse.Namespace:
    """What the parser makes of the arguments."""
    return argparse.Namespace(source=source, text=text, language="en")


def test_a_sentence_is_not_a_file(home: Path) -> None:
    """Whoever gives the error itself where a file's name belongs means the error; a file of that name wins."""
    assert is_sentence("429 Too Many Requests")
    assert is_sentence("429: \n" * 2000)
    assert not is_sentence("my error.txt")
    (home / "429 Too Many").write_text("x")
    assert not is_sentence("429 Too Many")
    assert text_of(options("429 Too Many Requests")) == "429 Too Many Requests"


def test_any_bytes_can_be_read(home: Path, stdin: Callable[[bytes], None]) -> None:
    """A byte order mark goes, bytes that are no text are replaced. `-` is standard input, also as a text."""
    (home / "f").write_bytes(b"\xef\xbb\xbfrate \xff limit\0")
    assert text_of(options("f")) == "rate � limit\0"
    stdin("한도".encode())
    assert text_of(options()) == "한도"
    assert text_of(options(text="")) == ""
    stdin(b"429")
    assert text_of(options(text="-")) == "429"


def test_a_huge_text_is_cut_with_a_word(stdin: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any, home: Path) -> None:
    """No more is read than MOST bytes, and the person is told."""
    monkeypatch.setattr(reading, "MOST", 1 << 20)
    stdin(b"x" * (3 << 20))
    assert len(text_of(options())) == 1 << 20
    assert "the first 1 MiB of it are looked at" in capsys.readouterr().err


def test_a_terminal_gets_a_hint(monkeypatch: pytest.MonkeyPatch, stdin: Any, capsys: Any) -> None:
    """`daemon explain` alone waits for a paste: it says so, and how to end it."""
    stdin(b"rate limit")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    text_of(options())
    assert "press C-d" in capsys.readouterr().err


@pytest.mark.parametrize(("source", "why"), [("gone.txt", "No such file"), (".", "Is a directory"), ("a\0b", "null")])
def test_a_file_that_cannot_be_read(home: Path, source: str, why: str) -> None:
    """The reason, and what else one can do."""
    with pytest.raises(NotFound, match=f"{why}.*--text"):
        text_of(options(source))


def test_lines_are_ended_by_line_ends_only(home: Path) -> None:
    """A line separator inside of a JSON string does not end the line; blank lines count but are passed over."""
    (home / "f").write_bytes(b'\xef\xbb\xbf{"a":"x\xe2\x80\xa8\x0b\x1cy"}\r\n\n \n[]')
    assert list(numbered("f")) == [(1, b'{"a":"x\xe2\x80\xa8\x0b\x1cy"}\r\n'), (4, b"[]")]


def test_a_line_without_end_is_not_held(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed over piece by piece, and the lines after it keep their numbers."""
    monkeypatch.setattr(reading, "MOST", 10)
    (home / "f").write_bytes(b"a" * 10 + b"\n" + b"b" * 11 + b"\n" + b"c" * 35 + b"\nd\n" + b"e" * 25)
    assert list(numbered("f")) == [(1, b"a" * 10 + b"\n"), (2, None), (3, None), (4, b"d\n"), (5, None)]
    with pytest.raises(InvalidCall, match="line 2 is longer"):
        parsed(None, 2)


@pytest.mark.parametrize(
    ("row", "failure"),
    [
        ({"text": "x", "status": 429, "provider": "groq"}, Failure(text="x", status=429, provider="groq")),
        ({"status": "429", "body": {"e": "é"}}, Failure(status=429, body='{"e": "é"}'.encode())),
        ({"headers": [["A", 1], ["B"], ["a", None]], "body": ""}, Failure(headers=(("A", "1"), ("a", "None")))),
        ({"host": "api.x.ai", "body": "no"}, Failure(host="api.x.ai", body=b"no")),
        ({"status": True, "text": 5, "headers": 7, "provider": [], "body": None}, Failure()),
        ({"status": "9" * 5000}, Failure(status=999999999)),
        ({"body": "\ud800"}, Failure(body=b"?")),
    ],
)
def test_rows(row: dict[str, Any], failure: Failure) -> None:
    """Each form in which people keep errors; what has a type of which nothing can be made is left out."""
    assert failure_from(row) == failure


def test_answers_come_while_lines_go(home: Path) -> None:
    """Each line is answered before the next one is there, so that `tail -f | daemon explain --jsonl -` works."""
    command = [sys.executable, "-m", "daemon", "explain", "--jsonl", "-"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(json.dumps({"id": number, "text": "insufficient_quota"}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
    assert process.returncode == 0
