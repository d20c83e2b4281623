"""The traps that the providers set, and that nothing can make the catalogue fall over."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.explain import Catalogue
from daemon.model import Failure

CATALOGUE = Catalogue.load()
QUOTA = "You exceeded your current quota, please check your plan and billing details."


TOO_LARGE = (
    b'{"error":{"message":"Request too large for model m on tokens per minute (TPM): Limit 6000, Requested 9000",'
    b'"code":"rate_limit_exceeded"}}'
)
ALIBABA = b'{"error":{"code":"insufficient_quota","message":"no"}}'
IN_FLIGHT = b'{"error":{"message":"x","metadata":{"reason":"in_flight_budget_exhausted"}}}'
PARAMETER = b'{"error":{"message":"Unknown parameter","type":"invalid_request_error"}}'
STREAM = b'data: {"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day"}}\n\n'
BALANCE = "429 Your account is suspended due to insufficient balance, please recharge"
ADD_CARD = "429 Rate limited. Please add a payment method to raise your limit of 3 requests per minute."


@pytest.mark.parametrize(
    ("failure", "subtype", "retry"),
    [
        (Failure(text=QUOTA), "insufficient_quota", "never"),
        (Failure(text=QUOTA + " https://ai.google.dev/gemini-api/docs/rate-limits"), "rate_unspecified", "wait"),
        (Failure(text=QUOTA + " code insufficient_quota https://help.aliyun.com/x"), "tokens", "wait"),
        (Failure(status=429, provider="dashscope", body=ALIBABA), "tokens", "wait"),
        (Failure(text=BALANCE), "insufficient_quota", "never"),
        (Failure(text=ADD_CARD), "requests", "wait"),
        (Failure(status=402, body=IN_FLIGHT), "concurrency", "wait"),
        (Failure(status=413, body=TOO_LARGE), "request_too_large", "change"),
        (Failure(status=529, body=b""), "overloaded", "wait"),
        (Failure(text="Error: Request failed with status code 429"), "unknown", "unknown"),
        (Failure(status=400, body=PARAMETER), "unknown", "change"),
        (Failure(status=200, body=STREAM), "requests", "wait"),
        (Failure(fault="reset", sent=True), "connection_lost", "unknown"),
        (Failure(fault="refused"), "unreachable", "wait"),
    ],
)  # fmt: skip
def test_traps(failure: Failure, subtype: str, retry: str) -> None:
    """The same sentence, status or word means different things at different providers."""
    finding = CATALOGUE.classify(failure)
    assert (finding.subtype, finding.retry) == (subtype, retry)


def test_why_shows_the_bytes() -> None:
    """Each rule says whether it matched, on what, or what was missing."""
    entries = CATALOGUE.why(Failure(status=402, body=b'{"error":"Insufficient Balance"}'))
    matched = [entry for entry in entries if entry["matched"]]
    assert matched[0]["rule"] == "generic.balance"
    assert matched[0]["on"] == ['the words "Insufficient Balance"']
    assert all(entry["missing"] for entry in entries if not entry["matched"])


@given(st.binary(max_size=300), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_no_answer_breaks_it(body: bytes, status: int) -> None:
    """Any bytes under any status give a finding and an explanation."""
    finding = CATALOGUE.classify(
        Failure(status=status, headers=(("Retry-After", body[:9].decode("latin-1")),), body=body)
    )
    assert CATALOGUE.explain(finding).line


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_it(text: str) -> None:
    """Any pasted text gives a finding and an explanation."""
    explanation = CATALOGUE.explain(CATALOGUE.classify(Failure(text=text)))
    assert len(explanation.line) <= 150
    assert "\n" not in explanation.line


def test_it_is_quick_also_with_hostile_texts() -> None:
    """No pattern runs away on long repetitions (a bound far above what it takes)."""
    start = time.perf_counter()
    for piece in ("limit ", "a" * 50, '{"a":', "error: ", "1m", "\\\\n", "'" * 9, "rate limit of 1 "):
        CATALOGUE.classify(Failure(text=piece * 4000))
    assert time.perf_counter() - start < 20


def test_loading_does_nothing_yet() -> None:
    """A start does not pay for the catalogue; the first failure does."""
    start = time.perf_counter()
    Catalogue.load()
    assert time.perf_counter() - start < 0.05


def test_each_subtype_is_listed() -> None:
    """The table for README and `explain --list` has every subtype with its words."""
    rows = CATALOGUE.subtypes()
    assert len(rows) >= 33
    for row in rows:
        assert set(row) == {"subtype", "family", "retry", "title", "what", "do"}
        assert all(row.values()), row
