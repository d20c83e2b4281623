"""Reading answers while they pass: every dialect, proper ends, cuts, and errors inside a 200."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.model import Ask, Usage
from daemon.providers import StreamReader


def frame(name: str, payload: bytes) -> bytes:
    """An AWS event stream frame; the checksums are not looked at."""
    key = b":exception-type" if name.endswith("Exception") else b":event-type"
    header = bytes([len(key)]) + key + b"\x07" + struct.pack("!H", len(name)) + name.encode()
    return struct.pack("!III", 16 + len(header) + len(payload), len(header), 0) + header + payload + b"\0" * 4


def sse(*events: dict[str, Any] | str, names: bool = False, end: str = "\n") -> bytes:
    out = []
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
        name = f"event: {event['type']}{end}" if names and isinstance(event, dict) else ""
        out.append(f"{name}data: {data}{end}{end}")
    return "".join(out).encode()


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }


OPENAI_CHAT = sse(
    chunk(""), chunk("안녕"), chunk(" 🙂"), chunk(finish="stop"),
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}, "[DONE]",
)  # fmt: skip
COMPLETIONS = sse({"choices": [{"text": "안녕 🙂", "index": 0, "finish_reason": "stop"}],
                   "usage": {"prompt_tokens": 9, "completion_tokens": 4}}, "[DONE]")  # fmt: skip
RESPONSES = sse(
    {"type": "response.created", "response": {"id": "r", "status": "in_progress", "error": None, "usage": None}},
    {"type": "response.output_text.delta", "delta": "안녕"},
    {"type": "response.output_text.delta", "delta": " 🙂"},
    {"type": "response.output_text.done", "text": "안녕 🙂"},
    {"type": "response.completed", "response": {"status": "completed", "error": None,
                                                "usage": {"input_tokens": 9, "output_tokens": 4}}},
    names=True,
)  # fmt: skip
ANTHROPIC = sse(
    {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "안녕"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " 🙂"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
    names=True,
)
GEMINI_CHUNKS: list[dict[str, Any]] = [
    {"candidates": [{"content": {"parts": [{"text": "안녕"}], "role": "model"}, "index": 0}],
     "usageMetadata": {"promptTokenCount": 9}},
    {"candidates": [{"content": {"parts": [{"text": " 🙂"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
     "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4}},
]  # fmt: skip
GEMINI_SSE = sse(*GEMINI_CHUNKS, end="\r\n")
GEMINI_ARRAY = json.dumps(GEMINI_CHUNKS, ensure_ascii=False, indent=2).encode()
OLLAMA = b"".join(
    json.dumps(line).encode() + b"\n"
    for line in (
        {"model": "m", "message": {"role": "assistant", "content": "안녕"}, "done": False},
        {"model": "m", "message": {"role": "assistant", "content": " 🙂"}, "done": False},
        {"model": "m", "done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 4},
    )
)
BEDROCK = (
    frame("messageStart", b'{"role": "assistant"}')
    + frame("contentBlockDelta", '{"delta": {"text": "안녕 🙂"}, "contentBlockIndex": 0}'.encode())
    + frame("messageStop", b'{"stopReason": "end_turn"}')
    + frame("metadata", b'{"usage": {"inputTokens": 9, "outputTokens": 4}}')
)
STREAMS = {
    "chat": OPENAI_CHAT,
    "completions": COMPLETIONS,
    "responses": RESPONSES,
    "messages": ANTHROPIC,
    "generate sse": GEMINI_SSE,
    "generate array": GEMINI_ARRAY,
    "ollama": OLLAMA,
    "bedrock": BEDROCK,
}


def read(data: bytes, step: int | None = None, kind: str = "other") -> StreamReader:
    reader = StreamReader(Ask(kind))
    for at in range(0, len(data), step or len(data)):
        reader.feed(data[at : at + (step or len(data))])
    return reader


@pytest.mark.parametrize("step", [None, 1, 2, 3, 7, 64])
@pytest.mark.parametrize("name", STREAMS)
def test_a_whole_stream(name: str, step: int | None) -> None:
    """Text, usage and the proper end of every dialect, whatever the chunks."""
    reader = read(STREAMS[name], step, name.split()[0])
    assert "".join(reader.take_text()) == "안녕 🙂"
    assert reader.output_chars == 4
    assert reader.usage == Usage(9, 4)
    assert reader.ended
    assert reader.error is None
    assert reader.finish in ("stop", "completed", "end_turn", "STOP")
    assert reader.take_text() == []


@pytest.mark.parametrize(
    ("name", "cut"),
    [("chat", b'"stop"'), ("completions", b'"stop"'), ("responses", b"response.completed"), ("messages", b"end_turn"),
     ("generate sse", b"STOP"), ("generate array", b"STOP"), ("ollama", b'"done": true'), ("bedrock", b"end_turn")],
)  # fmt: skip
def test_a_cut_stream_has_not_ended(name: str, cut: bytes) -> None:
    """Before its closing mark no stream looks whole, at any place of the cut."""
    data = STREAMS[name]
    for at in range(data.index(cut)):
        assert not read(data[:at] or b" ").ended, at


def test_a_last_event_without_its_empty_line() -> None:
    """Some servers close right after the last line; that is a proper end."""
    assert read(OPENAI_CHAT.rstrip(b"\n")).ended
    assert read(OPENAI_CHAT.rstrip(b"\n")).usage == Usage(9, 4)
    late_usage = sse({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}).rstrip(b"\n")
    assert read(sse(chunk("a")) + late_usage).usage == Usage(9, 4)


def test_done_is_not_demanded() -> None:
    """Relays leave `[DONE]` out; a finish reason is an end."""
    assert read(sse(chunk("a"), chunk(finish="length"))).ended


def test_white_space_before_the_answer() -> None:
    """DeepSeek sends empty lines and comments while it is busy, before streams and before documents."""
    assert read(b"\n\n\n: keep-alive\n\n" + OPENAI_CHAT, 1).ended
    reader = read(b"\n" * 5000 + json.dumps(chunk("a")).encode(), 100)
    assert reader.output_chars == 1
    assert not StreamReader(Ask()).ended
    assert not read(b"\n\n").ended


OPENAI_ERROR = {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded", "param": None}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (sse(chunk("a"), OPENAI_ERROR), "slow down"),
        (json.dumps(OPENAI_ERROR).encode(), "slow down"),
        (json.dumps([OPENAI_ERROR]).encode(), "slow down"),
        (sse({"type": "error", "error": {"type": "overloaded_error", "message": "slow down"}}, names=True),
         "slow down"),
        (sse({"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None}, names=True),
         "slow down"),
        (sse({"type": "response.failed", "response": {"status": "failed",
                                                      "error": {"code": "server_error", "message": "slow down"}}}),
         "slow down"),
        (b"event: error\ndata: slow down\n\n", "slow down"),
        (b'{"error": "slow down"}\n', "slow down"),
        (frame("throttlingException", b'{"message": "slow down"}'), "slow down"),
        (sse({"error": {"code": 429, "message": "slow down"}, "choices": [{"finish_reason": "error", "delta": {}}]}),
         "slow down"),
        (sse(OPENAI_ERROR).rstrip(b"\n"), "slow down"),
    ],
)  # fmt: skip
def test_an_error_inside_a_200(data: bytes, expected: str) -> None:
    """All the forms in which providers put errors into a stream come out like an error body."""
    for step in (None, 1):
        error = read(data, step).error
        assert error is not None
        document = json.loads(error)
        assert expected in json.dumps(document)
        assert "error" in (document[0] if isinstance(document, list) else document)


def test_an_empty_error_is_none() -> None:
    """`error: null` stands in many good answers."""
    assert read(sse(chunk("a", error=None))).error is None


def test_reasoning_and_tools_are_counted_but_not_shown() -> None:
    """What costs output tokens is counted; the visible text is the first choice's only."""
    delta = {"reasoning_content": "hmm", "tool_calls": [{"function": {"name": "f", "arguments": '{"x"'}}]}
    reader = read(
        sse(
            {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            {"choices": [{"index": 1, "delta": {"content": "other"}}, {"index": 0, "delta": {"content": "seen"}}]},
        )
    )
    assert reader.take_text() == ["seen"]
    assert reader.output_chars == 3 + 1 + 4 + 5 + 4
    thought = {"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}, {"text": "yes"}]}}]}
    reader = read(sse(thought))
    assert (reader.take_text(), reader.output_chars) == (["yes"], 5)


def test_whole_documents() -> None:
    """A relay that answers a stream request with one document is read as well."""
    document = {"choices": [{"index": 0, "message": {"content": "whole"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 2}}  # fmt: skip
    reader = read(json.dumps(document).encode(), 5)
    assert (reader.take_text(), reader.ended, reader.usage) == (["whole"], True, Usage(1, 2))


def test_an_unknown_stream_is_taken_for_whole() -> None:
    """Nobody can say that a stream of a form that nobody knows was cut."""
    assert read(sse({"kind": "tick"}, {"kind": "tock"})).ended


def test_memory_is_bounded() -> None:
    """100 MiB in one line leave no more than the bound behind, and the end is still seen."""
    reader = StreamReader(Ask("chat"))
    reader.feed(sse(chunk("a")) + b"data: ")
    for _ in range(100):
        reader.feed(b"x" * (1 << 20))
    reader.feed(b"\n\n" + sse(chunk(finish="stop")))
    assert reader.ended
    untaken = StreamReader(Ask("chat"))
    for _ in range(300):
        untaken.feed(sse(chunk("y" * 10_000)))
    assert sum(map(len, untaken.take_text())) <= (1 << 20) + 10_000
    assert untaken.output_chars == 3_000_000


@pytest.mark.parametrize(
    "data",
    [b'data: {"choices": 3}\n\n', b'data: {"choices": [null, 7]}\n\n', b'data: {"type": ["x"]}\n\n', b"data: [[\n\n",
     b'data: {"candidates": [{"content": {"parts": [null, 3, {"text": 5}]}}]}\n\n', b"data: \xff\xfe\n\n",
     b'{"type": "message", "content": [1, null]}', b"[" * 50_000, b'data: {"a":' + b"[" * 90_000 + b"\n\n",
     b'data: {"type": "content_block_delta", "delta": "no object"}\n\n', b"<html>busy</html>"],
)  # fmt: skip
def test_odd_events(data: bytes) -> None:
    """Fields of a type that nobody expects are passed over without an exception."""
    reader = read(data)
    assert reader.usage is None
    assert isinstance(repr(reader), str)


@given(st.lists(st.binary(max_size=80), max_size=10), st.sampled_from(sorted(STREAMS)), st.integers(0, 200))
def test_nothing_raises(chunks: list[bytes], name: str, cut: int) -> None:
    """Any bytes after any part of a good stream."""
    reader = StreamReader(Ask())
    reader.feed(STREAMS[name][:cut])
    for piece in chunks:
        reader.feed(piece)
        _ = (reader.usage, reader.ended, reader.error, reader.take_text())
