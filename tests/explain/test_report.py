"""The text for a provider's support has what support asks first, in one order, in plain Markdown."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.explain import Catalogue, report

CATALOGUE = Catalogue.load()
HEADERS = [["x-request-id", "req_1", 5], ["retry-after", "12", 2], ["x-ratelimit-limit-tokens", "30000", 5],
           ["set-cookie", None, 40], ["date", "Tue, 26 Mar 2030 20:00:00 GMT", 29]]  # fmt: skip
ROW: dict[str, Any] = {
    "id": "c12345678", "state": "failed", "host": "api.openai.com", "provider": "openai", "method": "POST",
    "url": "https://api.openai.com", "target": "/v1/chat/completions", "model": "gpt-9", "stream": True, "status": 429,
    "subtype": "tokens", "family": "rate", "started_at": 1_893_456_000.0, "sent_at": 1_893_456_001.5,
    "tries": [
        {"attempt": 1, "sent_at": 1_893_456_001.5, "answered_at": 1_893_456_001.9, "status": 429, "headers": HEADERS},
        {"attempt": 2, "sent_at": 1_893_456_014.0, "answered_at": 1_893_456_014.25, "status": 429,
         "headers": [["x-request-id", "req_2", 5], *HEADERS[1:]], "body": '{"error": "``` too many"}'},
    ],
    "timeline": [{"kind": "held", "attempt": 1, "wait_s": 12.0, "reason": "the provider asks for it"}],
}  # fmt: skip


def text(row: dict[str, Any] | None = None, **more: Any) -> str:
    told: dict[str, Any] = {
        "curl": 'curl https://x -H "Authorization: Bearer $KEY"',
        "calls_before": 7,
        "client": "S 1",
    }
    return CATALOGUE.report(row or ROW, **{**told, **more})


def test_what_support_asks_first() -> None:
    """Request ids, time in UTC, endpoint, model, limits, how many calls, what sent it."""
    said = text()
    assert said.startswith("# OpenAI: Too many tokens (HTTP 429)\n")
    assert "- when: 2030-01-01 00:00:01.500 UTC" in said
    assert "`x-request-id: req_1`, `x-request-id: req_2`" in said
    assert "- call: `POST https://api.openai.com/v1/chat/completions` (streamed)" in said
    assert "- model: `gpt-9`" in said
    assert "`retry-after: 12`, `x-ratelimit-limit-tokens: 30000`" in said
    assert "- calls to this host in the minute before: 7" in said
    assert "- sent by: S 1" in said


def test_what_was_tried() -> None:
    """Each attempt with its time, answer and duration, and what was waited before the next."""
    said = text()
    assert "1. 2030-01-01 00:00:01.500 UTC: sent; HTTP 429 after 0.40 s; waited 12 s, because the provider asks" in said
    assert "2. 2030-01-01 00:00:14.000 UTC: sent; HTTP 429 after 0.25 s\n" in said


def test_the_exact_error_and_the_command() -> None:
    """The last answer as it came, in a fence that its own backticks cannot close, and the command without the key."""
    said = text()
    assert "````\nHTTP 429\nx-request-id: req_2\n" in said
    assert '{"error": "``` too many"}\n````' in said
    assert "set-cookie" not in said
    assert "```sh\ncurl https://x" in said
    assert "was not kept" in text(curl=None)


def test_without_an_answer() -> None:
    """A lost connection has no status, no id and no limits; what is known is said."""
    row = {**ROW, "status": None, "provider": "nobody", "subtype": "connection_lost", "family": "network",
           "timeline": [],
           "tries": [{"attempt": 1, "sent_at": 5.0, "ended_at": 6.0, "fault": "reset", "detail": "gone"}]}  # fmt: skip
    said = text(row, calls_before=None)
    assert said.startswith("# api.openai.com: The connection broke\n")
    assert "- answer: none" in said
    assert "sent; reset after 1.00 s" in said
    assert "```\nreset\ngone\n```" in said
    assert "request ids" not in said
    assert "minute before" not in said


@pytest.mark.parametrize(("language", "words"), [("ko", "기대한 것"), ("zh", "期望的结果")])
def test_other_languages(language: str, words: str) -> None:
    """Support may read Korean or Chinese."""
    assert f"## {words}" in text(language=language)


def test_times_are_utc() -> None:
    """Support reads its logs in UTC; no time is no text."""
    assert report.utc(0.0) == "1970-01-01 00:00:00.000 UTC"
    assert report.utc(None) == ""
