"""What answers say they cost."""

import json
from typing import Any

import pytest

from daemon.model import Usage
from daemon.providers.usage import merge, usage_of, usage_of_body


@pytest.mark.parametrize(
    ("document", "usage"),
    [
        ({"usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}}, Usage(9, 12)),
        (
            {"usage": {"prompt_tokens": 2000, "completion_tokens": 3,
                       "prompt_tokens_details": {"cached_tokens": 1024}}},
            Usage(2000, 3, 1024),
        ),
        ({"usage": {"prompt_tokens": 50, "completion_tokens": 1, "prompt_cache_hit_tokens": 32}}, Usage(50, 1, 32)),
        ({"usage": {"prompt_tokens": 8, "total_tokens": 8}}, Usage(8, 0)),
        (
            {"usage": {"input_tokens": 36, "input_tokens_details": {"cached_tokens": 10}, "output_tokens": 87}},
            Usage(36, 87, 10),
        ),
        (
            {"usage": {"input_tokens": 10, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000,
                       "output_tokens": 5}},
            Usage(1110, 5, 1000, 100),
        ),
        (
            {"usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 20, "thoughtsTokenCount": 30,
                               "cachedContentTokenCount": 4, "totalTokenCount": 57}},
            Usage(7, 50, 4),
        ),
        ({"usage": {"inputTokens": 30, "outputTokens": 628, "totalTokens": 658}}, Usage(30, 628)),
        ({"prompt_eval_count": 26, "eval_count": 298, "done": True}, Usage(26, 298)),
        ({"x_groq": {"id": "r", "usage": {"prompt_tokens": 4, "completion_tokens": 6}}}, Usage(4, 6)),
        ({"type": "response.completed", "response": {"usage": {"input_tokens": 1, "output_tokens": 2}}}, Usage(1, 2)),
        ({"type": "message_start", "message": {"usage": {"input_tokens": 25, "output_tokens": 1}}}, Usage(25, 1)),
        ({"meta": {"billed_units": {"input_tokens": 3, "output_tokens": 4}}}, Usage(3, 4)),
        ({"usage": {"tokens": {"input_tokens": 3, "output_tokens": 4}}}, Usage(3, 4)),
        ({"usage": None, "choices": []}, None),
        ({"usage": "lots"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_each_dialect(document: dict[str, Any], usage: Usage | None) -> None:
    """The field names of each provider are read; cached tokens are part of the input."""
    assert usage_of(document) == usage


def test_figures_that_are_none() -> None:
    """Negative, huge, boolean and NaN counts are 0, never an exception."""
    body = b'{"usage": {"prompt_tokens": NaN, "completion_tokens": -4, "total_tokens": true}}'
    assert usage_of_body(body) == Usage(0, 0)
    assert usage_of({"usage": {"prompt_tokens": 10**30, "completion_tokens": 1e300}}) == Usage(0, 0)


def test_a_large_body_is_read_at_its_end_only() -> None:
    """A large embeddings answer is not parsed; its usage stands at the end."""
    vectors = [{"embedding": [0.123456789] * 2000} for _ in range(60)]
    body = json.dumps({"data": vectors, "model": "m", "usage": {"prompt_tokens": 77, "total_tokens": 77}}).encode()
    assert len(body) > 1 << 20
    assert usage_of_body(body) == Usage(77, 0)
    assert usage_of_body(b"[" * (2 << 20)) is None


def test_geminis_array_of_chunks() -> None:
    """The totals of the last chunk count."""
    chunk = b'{"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": %d}}'
    assert usage_of_body(b"[" + chunk % 3 + b",\n" + chunk % 9 + b"]") == Usage(5, 9)


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"3", b'"x"', b"[1, 2]", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_answer(body: bytes) -> None:
    """No exception, no usage."""
    assert usage_of_body(body) is None


def test_merge_takes_the_later_totals() -> None:
    """Streams repeat running totals."""
    assert merge(Usage(25, 1), Usage(0, 15)) == Usage(25, 15)
    assert merge(None, Usage(1, 1)) == Usage(1, 1)
    assert merge(Usage(1, 1), None) == Usage(1, 1)


def test_transcriptions_say_how_long_the_recording_was() -> None:
    """OpenAI's usage by duration, and the `duration` of `verbose_json` (also as a text, as Groq once sent it)."""
    assert usage_of({"text": "hi", "usage": {"type": "duration", "seconds": 12}}) == Usage(audio_seconds=12.0)
    assert usage_of({"duration": "8.5", "segments": [], "text": "hi"}) == Usage(audio_seconds=8.5)
    assert usage_of({"duration": "long", "segments": []}) is None
    assert usage_of({"text": "hi", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 45}}) == Usage(
        14, 45
    )
