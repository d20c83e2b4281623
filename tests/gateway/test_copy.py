"""What is read from a copy of the bytes that pass."""

from __future__ import annotations

import gzip
import json
import random
import zlib

import pytest

from daemon.gateway.copy import HOLD, HOLD_STREAM, KEEP, Copy, decoded, inflater, is_error, status_inside
from daemon.model import Ask, Usage
from daemon.providers import provider_for
from gateway.scripted import DONE, chat_answer, event

OPENAI = provider_for("openai")
assert OPENAI is not None
ERROR = b'{"error":{"message":"no","type":"requests","code":"rate_limit_exceeded"}}'


def plain(encoding: str | None = None) -> Copy:
    """A copy of a plain body."""
    assert OPENAI is not None
    return Copy(None, OPENAI.read_usage, encoding)


def stream(encoding: str | None = None) -> Copy:
    """A copy of a stream."""
    assert OPENAI is not None
    return Copy(OPENAI.stream_reader(Ask(kind="chat", stream=True)), OPENAI.read_usage, encoding)


def held(first: bytes) -> bool:
    """Whether a stream that begins with FIRST is held back."""
    copy = stream()
    copy.feed(first)
    return copy.holds_back()


@pytest.mark.parametrize(
    ("first", "is_held"),
    [
        (b"data: {}", True),
        (b"data: {}\n\n", False),
        (b"event: x\r\ndata: {}\r\n\r\n", False),
        (b"data: 1\r\r", False),
        (b": working\n\n", False),
        (b"", True),
        (b"\n\n\n", True),
        (b"[", True),
        (b"[{", True),
        (b"[{\n", True),
        (b'[{"a":1}', False),
        (b'{"a":{', True),
        (b'{"a":{}}', False),
    ],
)
def test_a_stream_is_held_until_its_first_event(first: bytes, is_held: bool) -> None:
    """gptel's Gemini reader fails on a lone bracket, and an error in the first event can still become an error."""
    assert held(first) is is_held


def test_a_stream_is_not_held_for_ever() -> None:
    """After 64 KiB without an end of an event the client gets them."""
    assert held(b"x" * (HOLD_STREAM - 1))
    assert not held(b"x" * HOLD_STREAM)


def test_a_plain_body_is_held_while_it_is_small() -> None:
    """An error behind a 200 is small; a long answer is passed on."""
    copy = plain()
    copy.feed(b"x" * (HOLD - 1))
    assert copy.holds_back()
    copy.feed(b"x")
    assert not copy.holds_back()


def test_usage() -> None:
    """From a plain body and from a stream, whatever pieces they come in."""
    body = chat_answer()
    pieces = event("Hi") + b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}\n\n' + DONE
    for copy, data in [(plain(), body), (stream(), pieces)]:
        for at in range(0, len(data), 7):
            copy.feed(data[at : at + 7])
        usage = copy.usage()
        assert usage is not None
        assert (usage.input, usage.output) == (9, 2)
        assert copy.complete
        assert copy.error_inside() is None


@pytest.mark.parametrize(
    ("name", "packed"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)],
)
def test_compressed_bodies_are_read(name: str, packed: object) -> None:
    """Usage is found in a compressed answer; the client's bytes are not touched."""
    data = packed(chat_answer())  # type: ignore[operator]
    copy = plain(name)
    for at in range(0, len(data), 5):
        copy.feed(data[at : at + 5])
    assert copy.usage() is not None
    assert copy.whole_body() == chat_answer()
    assert decoded(data, name) == chat_answer()


def test_what_is_not_gzip_is_let_pass() -> None:
    """A wrong Content-Encoding means that nothing is known, and nothing else."""
    copy = stream("gzip")
    copy.feed(b"this is not gzip")
    assert not copy.holds_back()
    assert copy.usage() is None
    assert decoded(b"this is not gzip", "gzip") == b"this is not gzip"
    assert inflater("br") is None


def test_a_bomb_is_not_unpacked() -> None:
    """At most 4 MiB come out of 50 MB of zeros."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(decoded(bomb, "gzip")) == KEEP
    copy = plain("gzip")
    copy.feed(bomb)
    assert copy.whole_body() is None


def test_a_long_compressed_stream_is_read_to_its_end() -> None:
    """Eight MiB of events, whatever pieces they come in: its usage and its closing mark are found."""
    letters = random.Random(1)
    text = "".join(letters.choices("abcdefghijklmnop ", k=8 << 20))
    pieces = [event(text[at : at + 4096]) for at in range(0, len(text), 4096)]
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}\n\n'
    data = gzip.compress(b"".join([*pieces, usage, DONE]), 1)
    copy = stream("gzip")
    for at in range(0, len(data), 1 << 20):
        copy.feed(data[at : at + (1 << 20)])
    assert copy.complete
    assert (found := copy.usage()) is not None
    assert (found.input, found.output) == (9, 2)
    assert copy.error_inside() is None


def test_a_bomb_in_a_stream_is_not_unpacked() -> None:
    """It is not read on, so nobody can say that it was cut; at most 4 MiB of it were there."""
    fed: list[int] = []

    class Reader:
        ended, error, usage, output_chars = False, None, None, 0

        def feed(self, chunk: bytes) -> None:
            fed.append(len(chunk))

    copy = Copy(Reader(), lambda body: None, "gzip")  # type: ignore[arg-type]
    copy.feed(gzip.compress(b"\0" * 50_000_000))
    copy.feed(b"and more")
    assert sum(fed) <= KEEP
    assert copy.complete


def test_a_large_body_is_not_kept() -> None:
    """Beyond 4 MiB nothing is said about a body."""
    copy = plain()
    for _ in range(5):
        copy.feed(b"x" * (1 << 20))
    assert copy.whole_body() is None
    assert copy.usage() is None


def test_a_stream_without_its_closing_mark_is_not_complete() -> None:
    """What stops in the middle without `[DONE]` or a finish reason was cut."""
    copy = stream()
    copy.feed(event("Hi"))
    assert not copy.complete
    copy.feed(event(finish_reason="stop") + DONE)
    assert copy.complete


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (ERROR, True),
        (b"[" + ERROR + b"]", True),
        (b'{"error":"no such model"}', True),
        (b'{"error":null,"output":[]}', False),
        (b'{"error":{},"choices":[]}', False),
        (b'{"error":{"a":1},"choices":[{}]}', False),
        (b'{"error":{"a":1},"choices":[]}', True),
        (chat_answer('an "error" in the text'), False),
        (b"[]", False),
        (b'["error"]', False),
        (b'"error"', False),
        (b'{"error"', False),
        (b'{"a":"error"' + b"[" * 100_000, False),
        (b"", False),
    ],
)
def test_is_error(body: bytes, answer: bool) -> None:
    """Only an error object without any answer beside it is an error."""
    assert is_error(body) is answer


def test_an_error_behind_a_200() -> None:
    """In a plain body, and as the first event of a stream, also in one that is plain JSON."""
    copy = plain()
    copy.feed(ERROR)
    assert copy.error_inside() == ERROR
    for first in (b"data: " + ERROR + b"\n\n", ERROR):
        copy = stream()
        copy.feed(first)
        inside = copy.error_inside()
        assert inside is not None
        assert json.loads(inside)["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 429}, 429),
        ({"code": "503"}, 503),
        ({"status_code": 402}, 402),
        ({"code": 200}, 502),
        ({"type": "overloaded_error"}, 529),
        ({"type": "requests", "code": "rate_limit_exceeded"}, 429),
        ({"type": "tokens", "code": "insufficient_quota"}, 429),
        ({"code": "x", "status": "RESOURCE_EXHAUSTED"}, 429),
        ({"type": "authentication_error"}, 401),
        ({"code": "²"}, 502),
        ({}, 502),
        ("a string", 502),
        ([1], 502),
    ],
)
def test_status_inside(error: object, status: int) -> None:
    """The status that an error inside a 200 means."""
    assert status_inside(json.dumps({"error": error}).encode()) == status
    assert status_inside(json.dumps([{"error": error}]).encode()) == status


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"[" * 100_000, b'{"code":418}'])
def test_status_inside_of_anything(body: bytes) -> None:
    """Whatever the bytes are, there is a status."""
    assert status_inside(body) in (502, 418)


def test_the_usage_is_read_once_for_each_length() -> None:
    """A plain body is not parsed again for the second question, but is when more of it has come."""
    asked: list[bytes] = []

    def read_usage(body: bytes) -> Usage | None:
        asked.append(body)
        return None if len(asked) == 1 else Usage(len(body), 0)

    copy = Copy(None, read_usage, None)
    copy.feed(b"{")
    assert copy.usage() is copy.usage() is None
    copy.feed(b"}")
    assert copy.usage() == copy.usage() == Usage(2, 0)
    assert asked == [b"{", b"{}"]
