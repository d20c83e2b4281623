"""Requests and conversations of the OpenAI family."""

import json
from typing import Any

import pytest

from daemon.model import Ask, Chat, Message
from daemon.providers import openai
from daemon.providers.dialect import ChatPath


def ask(kind: str, body: dict[str, Any]) -> Ask:
    return openai.ask(kind, "/v1/x", body)


def test_chat() -> None:
    """Text of messages and tools, images, the largest answer, choices; data in base64 is no text."""
    found = ask(
        "chat",
        {
            "model": "gpt-4o",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                ]},
                {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "content": "result"},
            ],
            "tools": [{"type": "function", "function": {"name": "look"}}],
            "n": 2,
            "max_tokens": 50,
        },
    )  # fmt: skip
    assert (found.kind, found.model, found.stream, found.messages, found.images) == ("chat", "gpt-4o", False, 4, 1)
    assert (found.max_output, found.choices, found.wants_usage) == (50, 2, True)
    for text in ("Be brief.", "What is this?", "result", '"look"', '"arguments"'):
        assert text in found.text
    assert "AAAA" not in found.text


@pytest.mark.parametrize(
    ("body", "most"),
    [({"max_tokens": 5}, 5), ({"max_completion_tokens": 7, "max_tokens": 5}, 7), ({"max_tokens": 5.0}, 5), ({}, None),
     ({"max_tokens": -1}, None), ({"max_tokens": True}, None), ({"max_tokens": "5"}, None),
     ({"max_tokens": 10**30}, None), ({"max_tokens": float("nan")}, None)],
)  # fmt: skip
def test_the_largest_answer(body: dict[str, Any], most: int | None) -> None:
    """Both names; nonsense counts as left out."""
    assert ask("chat", body).max_output == most


def test_streams_report_usage_only_when_asked() -> None:
    """A chat stream without include_usage reports none; the Responses API always does."""
    assert ask("chat", {"stream": True}).wants_usage is False
    assert ask("chat", {"stream": True, "stream_options": {"include_usage": True}}).wants_usage is True
    assert ask("completions", {"stream": True}).wants_usage is False
    assert ask("responses", {"stream": True}).wants_usage is True


def test_responses() -> None:
    """Instructions, input as text or items, tools."""
    items = [{"role": "user", "content": [{"type": "input_text", "text": "Hello"}, {"type": "input_image"}]},
             {"type": "function_call_output", "output": "42"}]  # fmt: skip
    found = ask("responses", {"model": "gpt-5", "instructions": "Be kind", "input": items, "max_output_tokens": 9})
    assert (found.messages, found.images, found.max_output) == (2, 1, 9)
    assert "Be kind" in found.text
    assert "Hello" in found.text
    assert "42" in found.text
    assert ask("responses", {"input": "Hi"}).text == "Hi"


def test_prompts_as_token_numbers() -> None:
    """A prompt of numbers counts one word for each; embeddings and images have no answer to reserve for."""
    assert ask("completions", {"prompt": [1, 2, 3], "best_of": 3}).text.split() == ["a"] * 3
    assert ask("completions", {"prompt": "x", "best_of": 3, "n": 2}).choices == 3
    embeddings = ask("embeddings", {"model": "e", "input": ["one", [7, 8]]})
    assert (embeddings.text.split(), embeddings.max_output) == (["one", "a", "a"], 0)
    images = ask("images", {"prompt": "a cat", "n": 4})
    assert (images.text, images.choices, images.max_output) == ("a cat", 4, 0)


@pytest.mark.parametrize("body", [{"messages": "hello"}, {"messages": [1, None]}, {"tools": 3}, {"stream": "yes"},
                                  {"model": 5}, {"model": "m" * 500}, {"messages": {"role": "user"}}])  # fmt: skip
def test_odd_bodies(body: dict[str, Any]) -> None:
    """Fields of the wrong type are left out."""
    for kind in ("chat", "responses", "completions", "embeddings", "images"):
        found = ask(kind, body)
        assert found.model is None
        assert found.stream is False


def test_a_conversation() -> None:
    """The fields that the provider wants, further fields as they are, usage asked for where it is taken."""
    chat = Chat(
        "m", (Message("system", "s"), Message("user", "u 🙂")), max_tokens=5, temperature=0.5, extra={"seed": 1}
    )
    request = openai.chat_request(chat, ChatPath("/v1/chat/completions", "max_completion_tokens", True))
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert json.loads(request.body) == {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u 🙂"}],
        "stream": True, "stream_options": {"include_usage": True}, "max_completion_tokens": 5, "temperature": 0.5,
        "seed": 1,
    }  # fmt: skip
    plain = json.loads(openai.chat_request(Chat("m", (), stream=False), ChatPath("/c")).body)
    assert plain == {"model": "m", "messages": [], "stream": False}
    assert openai.chat_request(Chat("m", (Message("user", "\ud800"),)), ChatPath("/c")).body.count(b"?") == 1


def test_a_whole_response() -> None:
    """The text of the Responses API stands in its output items."""
    document = {"object": "response", "status": "completed",
                "output": [{"type": "reasoning"}, {"content": [{"type": "output_text", "text": "Hi"}]}]}  # fmt: skip
    piece = openai.piece(document, "")
    assert piece is not None
    assert (piece.text, piece.ended, piece.finish) == ("Hi", True, "completed")
