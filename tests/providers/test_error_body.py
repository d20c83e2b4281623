"""The error body that a client gets: what gptel and the SDKs need, whatever the provider sent."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.providers import provider_for

LINE = "OpenAI: no credit left on this account. Waiting will not help: add credit, then send again."
WORDS = {"subtype": "insufficient_quota", "line": LINE, "original": ""}


def body(
    original: object,
    *,
    provider: str = "openai",
    status: int = 429,
    mode: Literal["inline", "field"] = "inline",
    message: str | None = LINE,
    kind: str = "other",
) -> dict[str, Any]:
    found = provider_for(provider)
    assert found is not None
    raw = original if isinstance(original, bytes) else json.dumps(original).encode()
    result = found.error_body(WORDS, status=status, original=raw, mode=mode, message=message, kind=kind)
    document: dict[str, Any] = json.loads(result)
    return document


OPENAI = {"error": {"message": "You have no\ncredit.", "type": "insufficient_quota", "param": None,
                    "code": "insufficient_quota"}}  # fmt: skip


def test_inline_openai() -> None:
    """The message is our line, the provider's sentence is kept on one line, and all else stays."""
    error = body(OPENAI)["error"]
    assert error["message"] == LINE
    assert (error["type"], error["param"], error["code"]) == ("insufficient_quota", None, "insufficient_quota")
    assert error["sluice"] == {**WORDS, "original": "You have no credit."}


def test_field_leaves_the_message_alone() -> None:
    """`explain: field` only adds error.sluice."""
    error = body(OPENAI, mode="field")["error"]
    assert error["message"] == "You have no credit."
    assert error["sluice"]["line"] == LINE


def test_anthropic_keeps_its_shape_and_id() -> None:
    """Outer type, error type and request_id are what SDKs look at."""
    original = {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}, "request_id": "req_1"}
    result = body(original, provider="anthropic")
    assert (result["type"], result["request_id"]) == ("error", "req_1")
    assert result["error"]["type"] == "rate_limit_error"
    assert result["error"]["message"] == LINE


@pytest.mark.parametrize("array", [False, True])
def test_gemini_object_and_array(array: bool) -> None:
    """A Gemini error becomes one object with code, status and details as they were."""
    error = {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "3s"}]}
    result = body([{"error": error}] if array else {"error": error}, provider="gemini")["error"]
    assert (result["code"], result["status"], result["details"]) == (429, "RESOURCE_EXHAUSTED", [{"retryDelay": "3s"}])
    assert result["message"] == LINE


@pytest.mark.parametrize(
    "original",
    [b"", b"<html><h1>429</h1></html>", b'"Too fast"', b"slow down", b"[]", b"null", b"12", b"\xff\xfe\x00", b"{",
     b"[" * 100_000, b'{"error": {"type": "x"}}'],
)  # fmt: skip
@pytest.mark.parametrize(
    ("provider", "shape"),
    [
        ("openai", {"error": {"message", "type", "param", "code", "sluice"}}),
        ("anthropic", {"error": {"message", "type", "sluice"}}),
        ("gemini", {"error": {"message", "code", "status", "sluice"}}),
    ],
)
@pytest.mark.parametrize("mode", ["inline", "field"])
def test_bodies_of_another_shape(
    original: bytes, provider: str, shape: dict[str, set[str]], mode: Literal["inline", "field"]
) -> None:
    """HTML, nothing, strings and broken JSON become the provider's shape, with a message in one line."""
    error = body(original, provider=provider, mode=mode)["error"]
    assert shape["error"] <= set(error)
    assert error["message"]
    assert "\n" not in error["message"]
    if mode == "inline" or original.startswith((b"<", b"{", b"[")) or not original:
        assert error["message"] == LINE


@pytest.mark.parametrize(
    ("original", "said", "code"),
    [
        ({"message": "Too many requests"}, "Too many requests", None),
        ({"object": "error", "message": "Too fast", "type": "rate_limited", "param": None, "code": "1300"}, "Too fast",
         "1300"),
        ({"error": "slow down"}, "slow down", None),
        ({"detail": "throttled", "status": 429}, "throttled", None),
        ({"detail": {"status": "quota_exceeded", "message": "used up"}}, "used up", "quota_exceeded"),
        ({"detail": [{"loc": ["body"], "msg": "bad field"}]}, "bad field", None),
        ({"errors": [{"code": "x", "message": "no more"}], "trace": "t"}, "no more", None),
        ({"error_code": "RESOURCE_EXHAUSTED", "message": "gone"}, "gone", "RESOURCE_EXHAUSTED"),
        ({"status": 429, "title": "Too Many Requests"}, "Too Many Requests", None),
        (b'"Too many tokens"', "Too many tokens", None),
        (b"rate limit exceeded\n", "rate limit exceeded", None),
    ],
)  # fmt: skip
def test_where_the_providers_sentence_stands(original: object, said: str, code: str | None) -> None:
    """Flat bodies and strings: the sentence is found and kept, other fields stay, codes move into `error`."""
    result = body(original)
    assert result["error"]["sluice"]["original"] == said
    assert result["error"]["message"] == LINE
    assert result["error"]["code"] == code
    if isinstance(original, dict):
        assert set(original) <= set(result)


def test_flat_bodies_are_rewritten_where_their_clients_read() -> None:
    """A client of Mistral reads the top-level message; it gets the same line."""
    flat = {"message": "Too fast", "type": "rate_limited"}
    assert body(flat)["message"] == LINE
    assert body(flat, mode="field")["message"] == "Too fast"
    assert body({"message": "Too many tokens"}, provider="bedrock")["message"] == LINE


def test_a_made_up_type_follows_the_status() -> None:
    """Where the provider gave no type, the status decides; gptel shows it."""
    assert body(b"", status=429)["error"]["type"] == "rate_limit_error"
    assert body(b"", status=502)["error"]["type"] == "server_error"
    assert body(b"", status=529, provider="anthropic")["error"]["type"] == "overloaded_error"
    assert body(b"", status=503, provider="gemini")["error"]["status"] == "UNAVAILABLE"


def test_a_relay_answers_in_the_dialect_that_was_asked() -> None:
    """An HTML page of a relay on /v1/messages becomes Anthropic's shape."""
    assert body(b"<html>", provider="openai-compatible", kind="messages")["type"] == "error"
    assert "status" in body(b"<html>", provider="openai-compatible", kind="generate")["error"]


def test_without_a_line_the_message_stays() -> None:
    """No explanation, no change; and never no message."""
    assert body(OPENAI, message=None)["error"]["message"] == "You have no credit."
    assert "503" in body(b"", message=None, status=503)["error"]["message"]


def test_emacs_can_read_it() -> None:
    """No NUL and no lone surrogate gets through, and literal backslashes survive."""
    original = b'{"error": {"message": "a\\u0000b \\ud800 \\\\u0000", "extra": [NaN, Infinity]}}'
    found = provider_for("openai")
    assert found is not None
    raw = found.error_body(WORDS, status=429, original=original, mode="field", message=LINE)
    document = json.loads(raw, parse_constant=pytest.fail)
    assert document["error"]["message"] == "ab ? \\u0000"


@given(st.binary(max_size=100) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["error", "message", "type", "code", "detail", "errors", "status"]), inner, max_size=4),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_always_an_object_with_a_message(original: bytes) -> None:
    """Whatever the provider sent: valid JSON, `error.message` in one line, `error.sluice`."""
    for provider in ("openai", "anthropic", "gemini", "bedrock", "kagi"):
        for mode in ("inline", "field"):
            error = body(original, provider=provider, mode=mode)["error"]
            assert isinstance(error["message"], str)
            assert error["message"]
            assert "\n" not in error["message"]
            assert error["sluice"]["subtype"] == "insufficient_quota"
