"""The official Python SDKs over the Unix socket: success, stream, 429. They know nothing of Sluice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from stage.world import KEYS, config

try:  # what the SDKs of 2026 use
    import httpx2 as httpx
except ImportError:
    import httpx  # type: ignore[no-redef]

pytestmark = pytest.mark.e2e


@pytest.fixture
def world(sluice: Any, sandbox: Any) -> Any:
    """A daemon and the sandbox behind it."""
    provider = sandbox(minute_s=2.0)
    return sluice(config(provider.url, minute_s=2.0)), provider


@pytest.fixture
def openai_client(world: Any) -> Iterator[openai.OpenAI]:
    """OpenAI's client; only its transport is ours to set."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(world[0].socket))) as http:
        yield openai.OpenAI(
            base_url="http://api.openai.com/v1", api_key=KEYS["openai"], http_client=http, max_retries=0
        )


@pytest.fixture
def anthropic_client(world: Any) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(world[0].socket))) as http:
        yield anthropic.Anthropic(
            base_url="http://api.anthropic.com", api_key=KEYS["anthropic"], http_client=http, max_retries=0
        )


def test_openai_chat(openai_client: openai.OpenAI) -> None:
    """A chat completion, plain and streamed."""
    messages: Any = [{"role": "user", "content": "안녕 🙂"}]
    plain = openai_client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    assert "안녕 🙂" in str(plain.choices[0].message.content)
    stream = openai_client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert "안녕 🙂" in text


def test_openai_responses_and_embeddings(openai_client: openai.OpenAI) -> None:
    """The Responses API, plain and streamed, and embeddings."""
    assert "Hello" in openai_client.responses.create(model="gpt-4o-mini", input="Hello").output_text
    with openai_client.responses.stream(model="gpt-4o-mini", input="Hello") as stream:
        stream.until_done()
        assert "Hello" in stream.get_final_response().output_text
    made = openai_client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])
    assert len(made.data) == 2


def test_openai_without_credit(openai_client: openai.OpenAI) -> None:
    """The SDK's own error type, with OpenAI's code and our line; `error.sluice` is within reach of a program."""
    with pytest.raises(openai.RateLimitError) as caught:
        openai_client.chat.completions.create(model="insufficient-quota", messages=[{"role": "user", "content": "x"}])
    assert caught.value.code == "insufficient_quota"
    assert "Waiting will not help" in caught.value.message
    body: Any = caught.value.body
    assert body["sluice"]["retry"] == "never"


def test_openai_rate_limit_is_not_seen(openai_client: openai.OpenAI, world: Any) -> None:
    """A 429 that waiting clears never reaches the SDK."""
    openai_client.chat.completions.create(model="rate-limit-once", messages=[{"role": "user", "content": "x"}])
    assert [seen.status for seen in world[1].seen] == [429, 200]


def test_anthropic_messages(anthropic_client: anthropic.Anthropic) -> None:
    """A message, plain and streamed."""
    messages: Any = [{"role": "user", "content": "안녕 🙂"}]
    plain = anthropic_client.messages.create(model="claude-test", max_tokens=100, messages=messages)
    assert "안녕 🙂" in str(plain.content[0])
    with anthropic_client.messages.stream(model="claude-test", max_tokens=100, messages=messages) as stream:
        assert "안녕 🙂" in "".join(stream.text_stream)


def test_anthropic_without_credit(anthropic_client: anthropic.Anthropic) -> None:
    """Anthropic says it with 400; the SDK's error carries our line."""
    with pytest.raises(anthropic.APIStatusError) as caught:
        anthropic_client.messages.create(
            model="insufficient-quota", max_tokens=10, messages=[{"role": "user", "content": "x"}]
        )
    body: Any = caught.value.body
    assert body["type"] == "error"
    assert "Waiting will not help" in body["error"]["message"]


def test_anthropic_rate_limit_is_not_seen(anthropic_client: anthropic.Anthropic, world: Any) -> None:
    """A 429 that waiting clears never reaches the SDK."""
    anthropic_client.messages.create(
        model="rate-limit-once", max_tokens=10, messages=[{"role": "user", "content": "x"}]
    )
    assert [seen.status for seen in world[1].seen] == [429, 200]
