"""What an answer says it cost. One reader for all dialects: the field names tell them apart.

Relays answer in other dialects than their host suggests, so the host does not decide here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from daemon.document import document_of
from daemon.model import Usage

_MOST: Final = 10**12
_TAIL: Final = 16 * 1024
_LARGE: Final = 1 << 20
_PLACES: Final = ("usage", "usageMetadata", "x_groq", "response", "message", "meta")
_USAGE_TAIL: Final = re.compile(rb'"(usage|usageMetadata)"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')


def usage_of_body(body: bytes) -> Usage | None:
    """The usage in a whole answer. Of a large one (embeddings, images) only the end is looked at: parsing it all would
    stop the daemon for everybody else."""
    if len(body) > _LARGE:
        found = _USAGE_TAIL.findall(body[-_TAIL:])
        body = b'{"%s":%s}' % found[-1] if found else b""
    try:
        document = document_of(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, list):  # Gemini's array of chunks: the last one has the totals
        merged: Usage | None = None
        for part in document:
            merged = merge(merged, usage_of(part) if isinstance(part, dict) else None)
        return merged
    return usage_of(document) if isinstance(document, dict) else None


def usage_of(document: Mapping[str, Any]) -> Usage | None:
    """The usage in one parsed answer or stream event, or None."""
    for where in _PLACES:
        part = document.get(where)
        if not part or not isinstance(part, dict):
            continue
        if where in ("x_groq", "response", "message"):
            found = usage_of({key: part[key] for key in ("usage",) if key in part})
        elif where == "meta":
            found = _cohere(part)
        else:
            found = _of_fields(part)
        if found:
            return found
    if "prompt_eval_count" in document or "eval_count" in document:  # Ollama
        return Usage(_count(document, "prompt_eval_count"), _count(document, "eval_count"))
    if "duration" in document and "segments" in document:  # a transcription in `verbose_json`
        return _audio(document.get("duration"))
    return None


def merge(old: Usage | None, new: Usage | None) -> Usage | None:
    """Both together. Streams repeat running totals, so the larger figure is the later one."""
    if old is None or new is None:
        return new if old is None else old
    return Usage(
        max(old.input, new.input),
        max(old.output, new.output),
        max(old.cached_input, new.cached_input),
        max(old.cache_write, new.cache_write),
        max(old.audio_seconds, new.audio_seconds),
    )


def _of_fields(part: Mapping[str, Any]) -> Usage | None:
    if "prompt_tokens" in part or "completion_tokens" in part:
        return _openai_chat(part)
    if "promptTokenCount" in part or "candidatesTokenCount" in part:
        return _gemini(part)
    if "inputTokens" in part or "outputTokens" in part:
        return _bedrock(part)
    if "input_tokens" in part or "output_tokens" in part:
        return _input_output(part)
    if isinstance(part.get("tokens"), dict):  # Cohere v2
        return Usage(_count(part["tokens"], "input_tokens"), _count(part["tokens"], "output_tokens"))
    if "total_tokens" in part:  # some embedding servers
        return Usage(_count(part, "total_tokens"))
    if part.get("type") == "duration":  # OpenAI's transcriptions that are billed by the minute
        return _audio(part.get("seconds"))
    return None


def _audio(seconds: object) -> Usage | None:
    """A length of audio, as a number or as its text."""
    try:
        length = float(seconds)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return Usage(audio_seconds=length) if 0 < length < _MOST else None


def _openai_chat(part: Mapping[str, Any]) -> Usage:
    details = part.get("prompt_tokens_details")
    cached = _count(details, "cached_tokens") if isinstance(details, dict) else 0
    cached = cached or _count(part, "prompt_cache_hit_tokens")  # DeepSeek
    return Usage(_count(part, "prompt_tokens"), _count(part, "completion_tokens"), cached)


def _input_output(part: Mapping[str, Any]) -> Usage:
    """OpenAI's Responses API and Anthropic share names; only Anthropic leaves cached tokens out of the input."""
    details = part.get("input_tokens_details")
    if isinstance(details, dict):
        return Usage(_count(part, "input_tokens"), _count(part, "output_tokens"), _count(details, "cached_tokens"))
    read, written = _count(part, "cache_read_input_tokens"), _count(part, "cache_creation_input_tokens")
    return Usage(_count(part, "input_tokens") + read + written, _count(part, "output_tokens"), read, written)


def _gemini(part: Mapping[str, Any]) -> Usage:
    """Thoughts are billed as output and are not in `candidatesTokenCount` (ai.google.dev, UsageMetadata)."""
    prompt = _count(part, "promptTokenCount") + _count(part, "toolUsePromptTokenCount")
    output = _count(part, "candidatesTokenCount") + _count(part, "thoughtsTokenCount")
    return Usage(prompt, output, _count(part, "cachedContentTokenCount"))


def _bedrock(part: Mapping[str, Any]) -> Usage:
    read, written = _count(part, "cacheReadInputTokens"), _count(part, "cacheWriteInputTokens")
    return Usage(_count(part, "inputTokens") + read + written, _count(part, "outputTokens"), read, written)


def _cohere(part: Mapping[str, Any]) -> Usage | None:
    for where in ("tokens", "billed_units"):
        counts = part.get(where)
        if isinstance(counts, dict) and "input_tokens" in counts:
            return Usage(_count(counts, "input_tokens"), _count(counts, "output_tokens"))
    return None


def _count(part: Mapping[str, Any], name: str) -> int:
    """A count of tokens; anything that is none is 0."""
    value = part.get(name)
    if isinstance(value, float) and value == value and abs(value) < _MOST:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST else 0
