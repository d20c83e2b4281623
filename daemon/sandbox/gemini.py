"""The Gemini API's words: generateContent, embeddings, models and errors. It has no rate limit headers.

Forms: https://ai.google.dev/gemini-api/docs/rate-limits ; errors are a google.rpc.Status with QuotaFailure, Help and
RetryInfo.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from daemon.sandbox.dialect import Fields, Moment, Refused, go_duration
from daemon.sandbox.meter import Standing
from daemon.sandbox.question import Question
from daemon.sandbox.text import Answer
from daemon.sandbox.trouble import Dimension, Trouble, figure

_HOST = "generativelanguage.googleapis.com"
_QUOTA_TEXT = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
    "head to: https://ai.google.dev/gemini-api/docs/rate-limits. To monitor your current usage, head to: "
    "https://ai.dev/rate-limit. "
)
_METRICS: dict[Dimension, tuple[str, str]] = {
    "requests": ("generate_content_free_tier_requests", "GenerateRequestsPer{window}PerProjectPerModel-FreeTier"),
    "tokens": (
        "generate_content_free_tier_input_token_count",
        "GenerateContentInputTokensPerModelPer{window}-FreeTier",
    ),
    "input_tokens": (
        "generate_content_free_tier_input_token_count",
        "GenerateContentInputTokensPerModelPer{window}-FreeTier",
    ),
    "output_tokens": (
        "generate_content_free_tier_output_token_count",
        "GenerateContentOutputTokensPerModelPer{window}-FreeTier",
    ),
    "images": ("predict_images_free_tier_requests", "PredictImagesPer{window}PerProjectPerModel-FreeTier"),
}
"""Metric and quota id of each dimension."""

_TROUBLES: dict[str, tuple[int, str, str]] = {
    "bare": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "concurrency": (
        429, "RESOURCE_EXHAUSTED", "Too many concurrent requests for this model: at most {limit} at a time.",
    ),
    "insufficient-quota": (
        429, "RESOURCE_EXHAUSTED",
        "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your "
        "project and billing.",
    ),
    "billing-inactive": (
        403, "PERMISSION_DENIED",
        "This API method requires billing to be enabled. Please enable billing on project #0 and retry.",
    ),
    "spend-limit": (
        429, "RESOURCE_EXHAUSTED", "Your project has reached its monthly spending cap. Raise the cap in AI Studio at https://ai.studio/spend.",
    ),
    "plan-window": (
        429, "RESOURCE_EXHAUSTED",
        "You have exhausted your capacity on this model. Your quota will reset after 5h12m9s.",
    ),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "slow-down": (
        503, "UNAVAILABLE", "This model is currently experiencing high demand. Spikes in demand are usually temporary.",
    ),
    "server-error": (500, "INTERNAL", "An internal error has occurred. Please retry."),
    "invalid-key": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "suspended": (403, "PERMISSION_DENIED", "Permission denied: Consumer 'projects/0' has been suspended."),
    "permission": (400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    "not-found": (
        404, "NOT_FOUND",
        "models/{model} is not found for API version v1beta, or is not supported for generateContent.",
    ),
    "no-path": (404, "NOT_FOUND", "Not found."),
    "bad-request": (400, "INVALID_ARGUMENT", "Bad request."),
}  # fmt: skip
"""Status, error.status and the message."""

_REASONS = {
    "invalid-key": "API_KEY_INVALID", "billing-inactive": "BILLING_DISABLED", "suspended": "CONSUMER_SUSPENDED",
    "plan-window": "QUOTA_EXHAUSTED",
}  # fmt: skip
"""ErrorInfo.reason of some."""


def refuse(trouble: Trouble, question: Question, moment: Moment, request_id: str) -> Refused:
    """Say TROUBLE as Google does; in a stream that is a JSON array, errors are one, too."""
    error = _error(trouble, question, moment)
    value: Any = {"error": error}
    body = _json([value] if question.stream and not question.sse else value)
    return Refused(error["code"], body, content_type="application/json; charset=UTF-8")


def _error(trouble: Trouble, question: Question, moment: Moment) -> dict[str, Any]:
    if trouble.kind in ("rate", "too-large", "not-in-plan"):
        return _quota(trouble, question, moment)
    status, name, words = _TROUBLES[trouble.kind]
    message = trouble.detail or words.format(limit=figure(trouble.limit), model=question.model)
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if trouble.kind in _REASONS:
        info = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": _REASONS[trouble.kind],
            "domain": "googleapis.com",
        }
        error["details"] = [{**info, "metadata": {"service": _HOST}}]
    return error


def _quota(trouble: Trouble, question: Question, moment: Moment) -> dict[str, Any]:
    """A quota is exceeded: the prose is the same for every window, the quota id tells which."""
    metric, quota = _METRICS[trouble.dimension]
    limit = 0 if trouble.kind == "not-in-plan" else figure(trouble.limit)
    violation: dict[str, Any] = {
        "quotaMetric": f"{_HOST}/{metric}",
        "quotaId": quota.format(window=trouble.window.capitalize()),
        "quotaDimensions": {"location": "global", "model": question.model},
    }
    if limit:  # a zero is left out, as protobuf's JSON does
        violation["quotaValue"] = str(limit)
    wait = _told_wait_s(trouble, moment)
    lines = f"\n* Quota exceeded for metric: {_HOST}/{metric}, limit: {limit}, model: {question.model}\n"
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [
                {
                    "description": "Learn more about Gemini API quotas",
                    "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
                }
            ],
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": _truncated(wait, moment)},
    ]
    message = f"{_QUOTA_TEXT}{lines}Please retry in {_precise(wait)}."
    return {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}


def _told_wait_s(trouble: Trouble, moment: Moment) -> float:
    """The wait that is told. For a day's quota Google tells seconds that do not help; so it does for a limit of 0."""
    wait = trouble.wait_s
    return moment.minute_s / 3 if wait is None or trouble.window == "day" else wait


def _precise(seconds: float) -> str:
    return go_duration(seconds) if seconds < 1 else f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def _truncated(seconds: float, moment: Moment) -> str:
    """RetryInfo has the whole seconds only, rounded down: 3s for 3.56 s."""
    return f"{math.floor(seconds / moment.tick_s) * moment.tick_s:.6g}s"


def limit_headers(standings: tuple[Standing, ...], moment: Moment, day: bool) -> Fields:
    """None."""
    return []


def request_id_header() -> str:
    return "x-gemini-service-request-id"


def whole(question: Question, answer: Answer, request_id: str, wall: float) -> bytes:
    """An answer, embeddings, or a count of tokens."""
    if question.kind == "count_tokens":
        return _json({"totalTokens": answer.input})
    if question.kind == "embeddings":
        rows = [{"values": [((len(text) + i) % 7) / 7 for i in range(8)]} for text in question.inputs]
        return _json({"embeddings": rows} if question.batch else {"embedding": rows[0]})
    return _json(_response(question, request_id, answer.text, answer.output, answer, last=True))


def chunks(question: Question, answer: Answer, request_id: str, wall: float) -> Iterator[bytes]:
    """A JSON array that grows, or server-sent events with alt=sse. A chunk never is a lone bracket."""
    pieces = answer.pieces or ("",)
    for i, piece in enumerate(pieces):
        last = i == len(pieces) - 1
        output = answer.output if last else i + 1
        value = _response(question, request_id, piece, output, answer, last)
        if question.sse:
            yield b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\r\n\r\n"
        else:
            yield (b",\r\n" if i else b"[") + _json(value) + (b"]" if last else b"")


def stream_trouble(question: Question, trouble: Trouble) -> bytes:
    """An error in the middle of a stream."""
    value = {"error": _error(trouble, question, Moment(0.0))}
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n" if question.sse else b",\r\n" + _json(value) + b"]"


def stream_type(question: Question) -> str:
    return "text/event-stream" if question.sse else "application/json; charset=UTF-8"


def models(names: dict[str, str], one: str | None) -> bytes | None:
    """The list of models, or one of them."""
    rows = [
        {
            "name": f"models/{name}", "version": "001", "displayName": name, "description": about,
            "inputTokenLimit": 1_000_000, "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent"],
        }
        for name, about in names.items()
    ]  # fmt: skip
    if one is not None:
        return next((_json(row) for row in rows if row["name"] == f"models/{one}"), None)
    return _json({"models": rows})


def _response(
    question: Question, request_id: str, text: str, output: int, answer: Answer, last: bool
) -> dict[str, Any]:
    candidates = []
    for index in range(question.choices):
        candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": index}
        if last:
            candidate["finishReason"] = "MAX_TOKENS" if answer.cut else "STOP"
        candidates.append(candidate)
    output *= question.choices
    usage = {"promptTokenCount": answer.input, "candidatesTokenCount": output, "totalTokenCount": answer.input + output}
    return {"candidates": candidates, "usageMetadata": usage, "modelVersion": question.model, "responseId": request_id}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
