"""The Anthropic API's words: messages, token counts, models, errors and headers.

Forms: https://platform.claude.com/docs/en/api/rate-limits and .../errors.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

from daemon.sandbox.dialect import Fields, Moment, Refused
from daemon.sandbox.meter import Standing
from daemon.sandbox.question import Question
from daemon.sandbox.text import Answer
from daemon.sandbox.trouble import Trouble, figure

_ORGANISATION = "00000000-0000-4000-8000-000000000000"
_RETRY_LATER = " Please try again later."

_TROUBLES: dict[str, tuple[int, str, str]] = {
    "rate": (
        429, "rate_limit_error",
        "This request would exceed your organization's rate limit of {limit} {what} per {window} (org: {org}, model: "
        "{model}). For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers "
        "for current usage. Please reduce the prompt length or the maximum tokens requested, or try again later.",
    ),
    "bare": (429, "rate_limit_error", "Rate limited"),
    "concurrency": (
        429, "rate_limit_error", "Number of concurrent connections to Claude exceeds your rate limit." + _RETRY_LATER,
    ),
    "insufficient-quota": (
        400, "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
        "purchase credits.",
    ),
    "billing-inactive": (
        402, "billing_error", "There is a problem with your billing or payment information. Please check the Console.",
    ),
    "spend-limit": (
        400, "invalid_request_error",
        "You have reached your specified API usage limits. You will regain access on {month} at 00:00 UTC.",
    ),
    "not-in-plan": (429, "rate_limit_error", "Usage credits are required for long context requests."),
    "plan-window": (429, "rate_limit_error", "This request would exceed your account's rate limit." + _RETRY_LATER),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "slow-down": (
        429, "rate_limit_error",
        "This request would exceed your organization's ({org}) maximum usage increase rate for input tokens per "
        "minute. Please scale up your input tokens usage more gradually to stay within the acceleration limit.",
    ),
    "server-error": (500, "api_error", "Internal server error"),
    "invalid-key": (401, "authentication_error", "invalid x-api-key"),
    "suspended": (400, "invalid_request_error", "This organization has been disabled."),
    "permission": (403, "permission_error", "Your API key does not have permission to use the specified resource."),
    "not-found": (404, "not_found_error", "model: {model}"),
    "no-path": (404, "not_found_error", "Not Found"),
    "bad-request": (400, "invalid_request_error", "Bad request."),
}  # fmt: skip
"""Status, error.type and the message."""


def refuse(trouble: Trouble, question: Question, moment: Moment, request_id: str) -> Refused:
    """Say TROUBLE as Anthropic does. A request above the whole limit gets the text of an ordinary rate limit."""
    status, error = _error(trouble, question, moment.wall)
    headers: Fields = []
    if trouble.kind == "plan-window":
        headers = _unified(moment)
    elif status == 429 and trouble.kind != "not-in-plan" and trouble.wait_s is not None:
        headers = [("retry-after", moment.ticks(trouble.wait_s))]
    if trouble.kind != "bare":
        headers.append(("x-should-retry", "true" if status in (429, 500, 529) else "false"))
    return Refused(status, _json({"type": "error", "error": error, "request_id": request_id}), headers)


def _error(trouble: Trouble, question: Question, wall: float = 0.0) -> tuple[int, dict[str, Any]]:
    status, kind, words = _TROUBLES["rate" if trouble.kind == "too-large" else trouble.kind]
    what = trouble.dimension.replace("_", " ")
    message = trouble.detail or words.format(
        limit=f"{figure(trouble.limit):,}", what=what, window=trouble.window, org=_ORGANISATION, model=question.model,
        month=_next_month(wall),
    )  # fmt: skip
    return status, {"type": kind, "message": message}


def _next_month(wall: float) -> str:
    today = datetime.datetime.fromtimestamp(wall, datetime.UTC).date()
    return (today.replace(day=1) + datetime.timedelta(days=32)).replace(day=1).isoformat()


def _unified(moment: Moment) -> Fields:
    """A subscription's five hours are used up; here resets are Unix times."""
    left = 3 * 3600 + 41 * 60
    return [
        ("retry-after", str(left)),
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-utilization", "1.02"),
        ("anthropic-ratelimit-unified-5h-reset", str(int(moment.wall) + left)),
        ("anthropic-ratelimit-unified-7d-status", "allowed"),
        ("anthropic-ratelimit-unified-7d-utilization", "0.38"),
        ("anthropic-ratelimit-unified-7d-reset", str(int(moment.wall) + 4 * 86400)),
    ]


def limit_headers(standings: tuple[Standing, ...], moment: Moment, day: bool) -> Fields:
    """`anthropic-ratelimit-*`: reset is the instant when all is there again; remaining tokens in whole thousands."""
    out: Fields = []
    for s in standings:
        if s.window != "minute" or s.dimension == "images":
            continue
        left = s.remaining if s.dimension == "requests" else min(s.limit, round(s.remaining, -3))
        name = f"anthropic-ratelimit-{s.dimension.replace('_', '-')}"
        out.append((f"{name}-limit", str(figure(s.limit))))
        out.append((f"{name}-remaining", str(int(left + 1e-6))))
        out.append((f"{name}-reset", moment.instant(s.full_s)))
    return out


def request_id_header() -> str:
    return "request-id"


def whole(question: Question, answer: Answer, request_id: str, wall: float) -> bytes:
    """A message, or a count of tokens."""
    if question.kind == "count_tokens":
        return _json({"input_tokens": answer.input})
    message = _message(question, answer, request_id)
    message["content"] = [{"type": "text", "text": answer.text}]
    message["stop_reason"] = _reason(answer)
    message["usage"]["output_tokens"] = answer.output
    return _json(message)


def chunks(question: Question, answer: Answer, request_id: str, wall: float) -> Iterator[bytes]:
    """The events of a stream."""
    yield _event({"type": "message_start", "message": _message(question, answer, request_id)})
    yield _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    yield _event({"type": "ping"})
    for piece in answer.pieces:
        yield _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
    yield _event({"type": "content_block_stop", "index": 0})
    end = {"stop_reason": _reason(answer), "stop_sequence": None}
    yield _event({"type": "message_delta", "delta": end, "usage": {"output_tokens": answer.output}})
    yield _event({"type": "message_stop"})


def stream_trouble(question: Question, trouble: Trouble) -> bytes:
    """An error event."""
    _, error = _error(trouble, question)
    return _event({"type": "error", "error": error})


def stream_type(question: Question) -> str:
    return "text/event-stream; charset=utf-8"


def models(names: dict[str, str], one: str | None) -> bytes | None:
    """The list of models, or one of them."""
    rows = [{"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"} for name in names]
    if one is not None:
        return next((_json(row) for row in rows if row["id"] == one), None)
    return _json({"data": rows, "has_more": False, "first_id": rows[0]["id"], "last_id": rows[-1]["id"]})


def _message(question: Question, answer: Answer, request_id: str) -> dict[str, Any]:
    usage = {
        "input_tokens": answer.input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": 1, "service_tier": "standard",
    }  # fmt: skip
    return {
        "id": request_id.replace("req_", "msg_"), "type": "message", "role": "assistant", "model": question.model,
        "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip


def _reason(answer: Answer) -> str:
    return "max_tokens" if answer.cut else "end_turn"


def _event(value: dict[str, Any]) -> bytes:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"event: {value['type']}\ndata: {data}\n\n".encode()


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
