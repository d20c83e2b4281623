"""The OpenAI API's words: chat completions, completions, embeddings, images and rate limit headers.

The responses API is in `openai_responses`, errors are in `openai_errors`. Headers:
https://developers.openai.com/api/docs/guides/rate-limits
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from daemon.sandbox import openai_arrays, openai_responses
from daemon.sandbox.dialect import Fields, Moment, go_duration
from daemon.sandbox.meter import Standing
from daemon.sandbox.openai_errors import error
from daemon.sandbox.openai_errors import refuse as refuse
from daemon.sandbox.question import Question
from daemon.sandbox.text import Answer
from daemon.sandbox.trouble import Trouble, figure

_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""The smallest PNG: one pixel."""


def limit_headers(standings: tuple[Standing, ...], moment: Moment, day: bool) -> Fields:
    """`x-ratelimit-*`: reset is the time until all is there again, not the time to wait."""
    requests = [s for s in standings if s.dimension == "requests"]
    tokens = [s for s in standings if s.dimension == "tokens"]
    minute = [s for s in requests if s.window == "minute"]
    of_day = [s for s in requests if s.window == "day"]
    chosen = [("requests", (of_day if day or not minute else minute)[:1]), ("tokens", tokens[:1])]
    out: Fields = []
    for part in ("limit", "remaining", "reset"):
        for name, found in chosen:
            for s in found:
                value = {
                    "limit": str(figure(s.limit)),
                    "remaining": str(int(s.remaining + 1e-6)),
                    "reset": go_duration(s.full_s),
                }
                out.append((f"x-ratelimit-{part}-{name}", value[part]))
    return out


def request_id_header() -> str:
    return "x-request-id"


def whole(question: Question, answer: Answer, request_id: str, wall: float) -> bytes:
    """The body of an answer that is not streamed."""
    if question.kind == "responses":
        return _json(openai_responses.whole(question, answer, request_id, wall))
    if question.kind == "embeddings":
        return _json(openai_arrays.embeddings(question, answer))
    if question.kind == "images":
        return _json({"created": int(wall), "data": [{"b64_json": _PIXEL}] * question.choices})
    chat = question.kind == "chat"
    if not chat and len(question.inputs) > 1:
        listed = [_choice(chat, n, one, {}) for n, one in enumerate(openai_arrays.choices(question, None))]
        return _json({**_head(question, request_id, wall), "choices": listed, "usage": _usage(question, answer)})
    choices = [_choice(chat, n, answer, {"role": "assistant", "content": answer.text}) for n in range(question.choices)]
    return _json({**_head(question, request_id, wall), "choices": choices, "usage": _usage(question, answer)})


def chunks(question: Question, answer: Answer, request_id: str, wall: float) -> Iterator[bytes]:
    """Server-sent events; usage comes only if it was asked for."""
    if question.kind == "responses":
        yield from openai_responses.chunks(question, answer, request_id, wall)
        return
    chat = question.kind == "chat"
    head = _head(question, request_id, wall, chunk=True)
    if question.wants_usage:
        head["usage"] = None
    for n in range(question.choices):
        for i, piece in enumerate(answer.pieces):
            role = {"role": "assistant"} if i == 0 else {}
            change: dict[str, Any] = {"delta": {**role, "content": piece}} if chat else {"text": piece}
            yield _event({**head, "choices": [{"index": n, **change, "logprobs": None, "finish_reason": None}]})
        last: dict[str, Any] = {"delta": {}} if chat else {"text": ""}
        yield _event({**head, "choices": [{"index": n, **last, "logprobs": None, "finish_reason": _reason(answer)}]})
    if question.wants_usage:
        yield _event({**head, "choices": [], "usage": _usage(question, answer)})
    yield b"data: [DONE]\n\n"


def stream_trouble(question: Question, trouble: Trouble) -> bytes:
    """An error event."""
    _, fields = error(trouble, question)
    return openai_responses.trouble(fields) if question.kind == "responses" else _event({"error": fields})


def stream_type(question: Question) -> str:
    return "text/event-stream; charset=utf-8"


def models(names: dict[str, str], one: str | None) -> bytes | None:
    """The list of models, or one of them."""
    rows = [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox"} for name in names]
    if one is not None:
        return next((_json(row) for row in rows if row["id"] == one), None)
    return _json({"object": "list", "data": rows})


def _head(question: Question, request_id: str, wall: float, chunk: bool = False) -> dict[str, Any]:
    chat = question.kind == "chat"
    kind = "text_completion" if not chat else "chat.completion.chunk" if chunk else "chat.completion"
    prefix = "chatcmpl" if chat else "cmpl"
    return {
        "id": f"{prefix}-{request_id}",
        "object": kind,
        "created": int(wall),
        "model": question.model,
        "system_fingerprint": "fp_sandbox",
    }


def _choice(chat: bool, index: int, answer: Answer, message: dict[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {"message": {**message, "refusal": None}} if chat else {"text": answer.text}
    return {"index": index, **said, "logprobs": None, "finish_reason": _reason(answer)}


def _reason(answer: Answer) -> str:
    return "length" if answer.cut else "stop"


def _usage(question: Question, answer: Answer) -> dict[str, Any]:
    output = answer.output * question.choices
    return {
        "prompt_tokens": answer.input, "completion_tokens": output, "total_tokens": answer.input + output,
        "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
