"""A request of one model written for another."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.providers import Provider, provider_for
from daemon.providers.moving import can_move, path_at, path_with_model, with_model


def provider(name: str) -> Provider:
    """A provider that there is."""
    found = provider_for(name)
    assert found is not None
    return found


def test_only_the_model_is_exchanged() -> None:
    """Spaces, escapes, order, odd numbers and a `model` deeper inside stay byte for byte."""
    body = b'{ "a":1.0,"model" :\t"gpt-4o" ,"x":{"model":"no"},"t":"\\u00e9\xc3\xa9 \\"model\\"", "n":1e2}\n'
    assert with_model(body, "b-1") == body.replace(b'"gpt-4o"', b'"b-1"')


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)))
def test_any_body_keeps_all_else(others: dict[str, object]) -> None:
    """Whatever else stands in it, it means the same with another model."""
    body = json.dumps({**others, "model": "old"}).encode()
    moved = with_model(body, "new")
    assert moved is not None
    assert json.loads(moved) == {**others, "model": "new"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"model":5}', b"\xff{", b'{"model":"a"', b"[" * 100_000])
def test_a_body_without_a_model_cannot_be(body: bytes) -> None:
    """None, never an exception."""
    assert with_model(body, "new") is None


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1beta/models/gemini-2.5-pro:generateContent", "/v1beta/models/m%2F1:generateContent"),
        ("/openai/deployments/gpt-4o/chat/completions", "/openai/deployments/m%2F1/chat/completions"),
    ],
)
def test_a_path_with_the_model_in_it(path: str, there: str) -> None:
    """The name is exchanged where the path has one, quoted."""
    assert path_with_model(path, "m/1") == there


@pytest.mark.parametrize(
    ("name", "path", "there"),
    [
        ("deepseek", "/v1/chat/completions", "/chat/completions"),
        ("groq", "/v1/chat/completions", "/openai/v1/chat/completions"),
        ("ollama", "/v1/chat/completions", "/v1/chat/completions"),
        ("openrouter", "/v1/completions", "/api/v1/completions"),
        ("azure", "/v1/responses", "/openai/v1/responses"),
        ("anthropic-compatible", "/v1/messages", "/v1/messages"),
        ("gemini-compatible", "/v1beta/models/a:streamGenerateContent", "/v1beta/models/m:streamGenerateContent"),
        ("ollama", "/api/chat", "/api/chat"),
        ("anthropic", "/v1/chat/completions", None),
        ("openai", "/v1/messages", None),
        ("gemini", "/v1/chat/completions", None),
        ("elevenlabs", "/v1/chat/completions", None),
        ("anthropic", "/v1/messages/count_tokens", None),
    ],
)
def test_where_another_provider_takes_it(name: str, path: str, there: str | None) -> None:
    """Its own path for the same API; none for an API that it does not speak."""
    assert path_at(provider(name), path, "m") == there


@pytest.mark.parametrize(
    ("path", "kind", "can"),
    [
        ("/v1/chat/completions", "chat", True),
        ("/v1/messages", "messages", True),
        ("/v1/embeddings", "embeddings", False),
        ("/v1/audio/transcriptions", "audio", False),
        ("/v1/images/generations", "images", False),
        ("/v1/files", "other", False),
        ("/model/anthropic.claude/converse", "chat", False),
    ],
)
def test_what_can_be_moved(path: str, kind: str, can: bool) -> None:
    """What a model says; not files, recordings, images, vectors, or what is signed."""
    assert can_move("POST", path, kind) is can
    assert not can_move("GET", path, kind)
