"""Requests and conversations of Anthropic's API."""

import json

from daemon.model import Chat, Message
from daemon.providers import anthropic
from daemon.providers.dialect import ChatPath


def test_messages() -> None:
    """System prompt, blocks, tool results, thinking, documents given as text; images are counted."""
    found = anthropic.ask(
        "messages",
        "/v1/messages",
        {
            "model": "claude-sonnet-4-5",
            "system": [{"type": "text", "text": "Be brief."}],
            "max_tokens": 1000,
            "stream": True,
            "tools": [{"name": "look", "input_schema": {}}],
            "messages": [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"},
                                                  {"type": "tool_use", "name": "look", "input": {"a": 1}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "content": [{"type": "text", "text": "seen"}]},
                    {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
                    {"type": "document", "source": {"type": "text", "data": "pages"}},
                    {"type": "document", "source": {"type": "base64", "data": "BBBB"}},
                ]},
            ],
        },
    )  # fmt: skip
    assert (found.kind, found.model, found.stream, found.messages) == ("messages", "claude-sonnet-4-5", True, 3)
    assert (found.images, found.max_output, found.wants_usage) == (1, 1000, True)
    for text in ("Be brief.", "Hello", "hm", '{"a":1}', "seen", "pages", "look"):
        assert text in found.text
    assert "AAAA" not in found.text
    assert "BBBB" not in found.text


def test_a_conversation() -> None:
    """System messages become the system prompt; max_tokens is always there; the version header is sent."""
    chat = Chat("claude", (Message("system", "a"), Message("user", "b"), Message("system", "c")), stream=False)
    request = anthropic.chat_request(chat, ChatPath("/v1/messages"))
    assert json.loads(request.body) == {
        "model": "claude", "max_tokens": 4096, "messages": [{"role": "user", "content": "b"}], "stream": False,
        "system": "a\n\nc",
    }  # fmt: skip
    assert ("anthropic-version", "2023-06-01") in request.headers
    assert json.loads(anthropic.chat_request(Chat("c", (), max_tokens=7), ChatPath("/m")).body)["max_tokens"] == 7


def test_a_whole_message() -> None:
    """Text blocks are joined, the stop reason and the usage are read."""
    document = {"type": "message", "content": [{"type": "text", "text": "Hi"}, {"type": "tool_use", "input": {}}],
                "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 2}}  # fmt: skip
    piece = anthropic.piece(document, "")
    assert piece is not None
    assert (piece.text, piece.ended, piece.finish) == ("Hi", True, "end_turn")
    assert piece.usage is not None
    assert piece.usage.total == 3


def test_tool_input_is_counted() -> None:
    """Partial JSON of a tool call and thinking cost output tokens, and are no text."""
    event = {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": '{"a"'}}
    piece = anthropic.piece(event, "")
    assert piece is not None
    assert (piece.text, piece.chars) == ("", 4)
