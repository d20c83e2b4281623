"""The OpenAI API's errors.

Forms: https://developers.openai.com/api/docs/guides/rate-limits and .../error-codes.
"""

from __future__ import annotations

import json
import math
from typing import Any

from daemon.sandbox.dialect import Fields, Moment, Refused, go_duration
from daemon.sandbox.question import Question
from daemon.sandbox.trouble import Trouble, figure

ORGANISATION = "org-sandbox"
_LIMITS_PAGE = "https://platform.openai.com/account/rate-limits"
_SHORT = {"requests": "R", "tokens": "T", "input_tokens": "IT", "output_tokens": "OT", "images": "I"}
_TYPE = {"requests": "requests", "images": "input-images"}
_WINDOW = {"second": ("second", "S"), "minute": ("min", "M"), "hour": ("hour", "H"), "day": ("day", "D")}
_TROUBLES: dict[str, tuple[int, str | None, str | None, str]] = {
    "bare": (429, "rate_limit_error", "rate_limit_exceeded", "Rate limit exceeded"),
    "concurrency": (
        429, "rate_limit_reached_error", None,
        "Your account {org} request reached max organization concurrency: {limit}, please try again after 1 seconds",
    ),
    "insufficient-quota": (
        429, "insufficient_quota", "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
    ),
    "billing-inactive": (
        429, "billing_not_active", "billing_not_active",
        "Your account is not active, please check your billing details on our website.",
    ),
    "spend-limit": (400, "invalid_request_error", "billing_hard_limit_reached", "Billing hard limit has been reached"),
    "not-in-plan": (
        429, "requests", "rate_limit_exceeded",
        "Rate limit exceeded for requests per minute in organization {org}. Limit: 0/1min. Current: 1/1min. Please "
        "visit https://platform.openai.com/docs/guides/rate-limits to learn how to increase your rate limit.",
    ),
    "overloaded": (503, "server_error", None, "The engine is currently overloaded, please try again later"),
    "slow-down": (503, "server_error", "slow_down", "Slow Down: reduce your request rate, then increase it gradually."),
    "server-error": (
        500, "server_error", None, "The server had an error while processing your request. Sorry about that!",
    ),
    "invalid-key": (
        401, "invalid_request_error", "invalid_api_key",
        "Incorrect API key provided: sandbox-****. You can find your API key at https://platform.openai.com/account/api-keys.",
    ),
    "suspended": (
        401, "invalid_request_error", "account_deactivated",
        "The OpenAI account associated with this API key has been deactivated.",
    ),
    "permission": (
        403, "request_forbidden", "unsupported_country_region_territory", "Country, region, or territory not supported",
    ),
    "not-found": (
        404, "invalid_request_error", "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
    ),
    "no-path": (404, "invalid_request_error", None, "Invalid URL."),
    "bad-request": (400, "invalid_request_error", None, "Bad request."),
}  # fmt: skip
"""Status, error.type, error.code and the message."""


def refuse(trouble: Trouble, question: Question, moment: Moment, request_id: str) -> Refused:
    """Say TROUBLE as OpenAI does."""
    if trouble.kind == "plan-window":
        return _plan_window(moment)
    status, fields = error(trouble, question)
    headers: Fields = []
    if status == 429 and trouble.wait_s is not None:
        headers = [
            ("retry-after-ms", str(math.ceil(trouble.wait_s * 1000))),
            ("retry-after", moment.ticks(trouble.wait_s)),
        ]
    return Refused(status, _json({"error": fields}), headers)


def error(trouble: Trouble, question: Question) -> tuple[int, dict[str, Any]]:
    """The status and the fields of `error`."""
    if trouble.kind in ("rate", "too-large"):
        message, kind = _rate(trouble, question.model), _TYPE.get(trouble.dimension, "tokens")
        return 429, {"message": message, "type": kind, "param": None, "code": "rate_limit_exceeded"}
    status, kind_or_none, code, words = _TROUBLES[trouble.kind]
    message = trouble.detail or words.format(org=ORGANISATION, limit=figure(trouble.limit), model=question.model)
    return status, {"message": message, "type": kind_or_none, "param": None, "code": code}


def _rate(trouble: Trouble, model: str | None) -> str:
    word, letter = _WINDOW[trouble.window]
    what = f"{trouble.dimension.replace('_', ' ')} per {word} ({_SHORT[trouble.dimension]}P{letter})"
    limit, used, requested = figure(trouble.limit), figure(trouble.used), figure(trouble.requested)
    if trouble.kind == "too-large":
        return (
            f"Request too large for {model} in organization {ORGANISATION} on {what}: Limit {limit}, "
            f"Requested {requested}. The input or output tokens must be reduced in order to run successfully. "
            f"Visit {_LIMITS_PAGE} to learn more."
        )
    return (
        f"Rate limit reached for {model} in organization {ORGANISATION} on {what}: Limit {limit}, Used {used}, "
        f"Requested {requested}. Please try again in {go_duration(trouble.wait_s or 0)}. "
        f"Visit {_LIMITS_PAGE} to learn more."
    )


def _plan_window(moment: Moment) -> Refused:
    """The limit of a ChatGPT plan: five hours, of which most are left."""
    left = 4 * 3600 + 30 * 60
    at = int(moment.wall) + left
    fields = {
        "type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "plus",
        "resets_at": at, "resets_in_seconds": left,
    }  # fmt: skip
    headers = [
        ("x-codex-plan-type", "plus"),
        ("x-codex-primary-used-percent", "100"),
        ("x-codex-primary-window-minutes", "300"),
        ("x-codex-primary-reset-after-seconds", str(left)),
        ("x-codex-primary-reset-at", str(at)),
        ("x-codex-secondary-used-percent", "41"),
        ("x-codex-secondary-window-minutes", "10080"),
    ]
    return Refused(429, _json({"error": fields}), headers)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
