"""OpenAI's errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daemon.sandbox.dialect import Moment
from daemon.sandbox.openai_errors import refuse
from daemon.sandbox.question import Question
from daemon.sandbox.trouble import Kind, Trouble

CHAT = Question("openai", "chat", "gpt-4o")


def said(trouble: Trouble) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, error object and headers."""
    refused = refuse(trouble, CHAT, Moment(1_000_000.0), "req_1")
    return refused.status, json.loads(refused.body)["error"], dict(refused.headers)


def test_a_rate_limit_has_its_figures_in_message_and_headers():
    """Limit, used, requested and the wait; type names the dimension."""
    status, error, headers = said(Trouble("rate", "tokens", "minute", 30_000, 28_039, 3_906, 3.89))
    assert (status, error["type"], error["code"]) == (429, "tokens", "rate_limit_exceeded")
    assert (
        "on tokens per min (TPM): Limit 30000, Used 28039, Requested 3906. Please try again in 3.89s."
        in error["message"]
    )
    assert headers == {"retry-after-ms": "3890", "retry-after": "4"}


def test_a_days_limit_says_so():
    """RPD, and the wait until one more fits."""
    _, error, _ = said(Trouble("rate", "requests", "day", 200, 200, 1, 432.0))
    assert "on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s." in error["message"]


def test_too_large_has_no_wait():
    """Neither in the message nor in the headers."""
    status, error, headers = said(Trouble("too-large", "tokens", "minute", 30_000, 0, 51_234))
    assert (status, headers) == (429, {})
    assert error["message"].startswith("Request too large for gpt-4o")
    assert "try again" not in error["message"]


@pytest.mark.parametrize(
    ("kind", "status", "type_", "code"),
    [
        ("insufficient-quota", 429, "insufficient_quota", "insufficient_quota"),
        ("billing-inactive", 429, "billing_not_active", "billing_not_active"),
        ("spend-limit", 400, "invalid_request_error", "billing_hard_limit_reached"),
        ("invalid-key", 401, "invalid_request_error", "invalid_api_key"),
        ("suspended", 401, "invalid_request_error", "account_deactivated"),
        ("overloaded", 503, "server_error", None),
        ("server-error", 500, "server_error", None),
        ("plan-window", 429, "usage_limit_reached", None),
    ],
)
def test_kinds(kind: Kind, status: int, type_: str, code: str | None):
    """Status, type and code as OpenAI's documents and users report them."""
    got, error, _ = said(Trouble(kind))
    assert (got, error["type"], error.get("code")) == (status, type_, code)


def test_a_plan_tells_its_reset_as_unix_time():
    """In the body and in the headers, the same."""
    _, error, headers = said(Trouble("plan-window"))
    assert error["resets_at"] == 1_000_000 + error["resets_in_seconds"] == int(headers["x-codex-primary-reset-at"])


def test_a_bare_429_tells_nothing():
    """No figures, no hint."""
    _, error, headers = said(Trouble("bare", "tokens", "minute", 10, 10, 1, 3.0))
    assert not any(char.isdigit() for char in error["message"])
    assert headers.keys() <= {"retry-after", "retry-after-ms"}
