"""Reading requests of the three APIs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daemon.sandbox.question import read


def ask(target: str, body: Any, **headers: str):
    """Read a POST."""
    return read("POST", target, headers, json.dumps(body).encode())


def test_chat():
    """Model, stream, all text, the last words, and the cap on the output."""
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": [{"type": "text", "text": "둘째 🎉"}]},
    ]
    q = ask("/v1/chat/completions", {"model": "m", "stream": True, "messages": messages, "max_tokens": 7, "n": 2})
    assert (q.api, q.kind, q.model, q.stream, q.max_output, q.choices) == ("openai", "chat", "m", True, 7, 2)
    assert q.last == "둘째 🎉"
    assert q.text.split("\n") == ["be kind", "first", "yes", "둘째 🎉"]


def test_responses():
    """Input is a string or a list of turns."""
    assert ask("/v1/responses", {"model": "m", "input": "hi", "instructions": "short"}).last == "hi"
    turns = [{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}]
    q = ask("/v1/responses", {"model": "m", "input": turns, "max_output_tokens": 5})
    assert (q.kind, q.last, q.max_output) == ("responses", "hello", 5)


def test_gemini_has_the_model_in_the_path():
    """The method decides about streaming; alt=sse about its form."""
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 9}}
    q = ask("/v1beta/models/gem-1:streamGenerateContent?key=CANARY-1", body)
    assert (q.api, q.kind, q.model, q.stream, q.sse, q.max_output) == ("gemini", "generate", "gem-1", True, False, 9)
    assert ask("/v1beta/models/gem-1:streamGenerateContent?alt=sse", body).sse
    q = ask("/v1beta/models/e:batchEmbedContents", {"requests": [{"content": {"parts": [{"text": "a"}]}}] * 3})
    assert (q.kind, q.inputs, q.batch) == ("embeddings", ("a", "a", "a"), True)


@pytest.mark.parametrize(
    ("target", "headers", "api"),
    [
        ("/v1/models", {}, "openai"),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1beta/models", {}, "gemini"),
        ("/v1/models/echo", {}, "openai"),
    ],
)
def test_model_lists_are_told_apart(target: str, headers: dict[str, str], api: str):
    """By path, and by Anthropic's header."""
    q = read("GET", target, headers, b"")
    assert (q.api, q.kind, q.costs) == (api, "models", False)


def test_azure_has_the_model_in_the_path():
    """A deployment is the model."""
    assert ask("/openai/deployments/dep/chat/completions?api-version=1", {"messages": []}).model == "dep"


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_bodies_that_are_no_objects(body: bytes):
    """They read as no body at all."""
    assert read("POST", "/v1/chat/completions", {}, body).body is None


def test_a_leading_newline_is_fine():
    """gptel 0.9.9.6 sends one."""
    assert read("POST", "/v1/chat/completions", {}, b'\n{"model":"m"}').model == "m"


@pytest.mark.parametrize(
    "body",
    [
        {"model": 5},
        {"model": "m", "messages": None},
        {"model": "m", "messages": [None, 3]},
        {"model": "m", "stream_options": 1, "max_tokens": "x", "n": True},
        {"contents": {"parts": 1}, "generationConfig": [1]},
    ],
)
def test_odd_fields_do_not_break(body: Any):
    """Fields of the wrong type are left out, never an exception."""
    for target in ("/v1/chat/completions", "/v1/messages", "/v1beta/models/m:generateContent", "/v1/embeddings"):
        ask(target, body)
