"""The traps that the providers set, and that nothing can make the catalogue fall over."""

from __future__ import annotations

import errno
import os
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.explain import Catalogue, catalogue
from daemon.model import Failure

CATALOGUE = Catalogue.load()
QUOTA = "You exceeded your current quota, please check your plan and billing details."


OVER_THE_WINDOW = (
    b'{"error":{"message":"Request too large for model m on tokens per minute (TPM): Limit 6000, Requested 9000",'
    b'"code":"rate_limit_exceeded"}}'
)


def said(failure: Failure) -> tuple[str, str]:
    finding = CATALOGUE.classify(failure)
    return finding.subtype, finding.retry


def test_trap_one_sentence_means_three_things() -> None:
    """Out of credit at OpenAI, any limit at Google, tokens per minute at Alibaba: the same words."""
    assert said(Failure(text=QUOTA)) == ("insufficient_quota", "never")
    assert said(Failure(text=QUOTA + " https://ai.google.dev/gemini-api/docs/rate-limits")) == (
        "rate_unspecified",
        "wait",
    )
    assert said(Failure(text=QUOTA + " code insufficient_quota https://help.aliyun.com/x")) == ("tokens", "wait")
    body = b'{"error":{"code":"insufficient_quota","message":"no"}}'
    assert said(Failure(status=429, provider="dashscope", body=body)) == ("tokens", "wait")
    assert said(Failure(status=429, provider="openai", body=body)) == ("insufficient_quota", "never")


def test_trap_a_day_limit_that_is_a_bucket() -> None:
    """OpenAI's limit of a day is free again for one request after the printed wait, not at midnight."""
    text = (
        "Rate limit reached for gpt-9 in organization org-x on requests per day (RPD): Limit 200, Used 200, "
        "Requested 1. Please try again in 7m12s. Visit https://platform.openai.com/account/rate-limits"
    )
    finding = CATALOGUE.classify(Failure(text=text))
    assert (finding.subtype, finding.window, finding.retry_after_s) == ("requests", "day", 432)
    assert "drop by drop" in CATALOGUE.explain(finding).why


def test_trap_a_day_limit_with_a_wait_of_seconds() -> None:
    """Google prints seconds beside a limit of the day; the words say that it comes back at midnight."""
    body = (
        b'{"error":{"code":429,"message":"Quota exceeded. Please retry in 8s.","details":[{"violations":[{"quotaId":'
        b'"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaValue":"250"}]},{"retryDelay":"8s"}]}}'
    )
    finding = CATALOGUE.classify(Failure(status=429, provider="gemini", body=body))
    assert (finding.subtype, finding.window, finding.limit) == ("requests", "day", 250)
    told = CATALOGUE.explain(finding)
    assert "midnight" in told.line
    assert "midnight" in told.now


@pytest.mark.parametrize(
    "failure",
    [
        Failure(text="* Quota exceeded for metric: x.googleapis.com/generate_content_free_tier_requests, limit: 0"),
        Failure(text="Rate limit exceeded for images per minute. Limit: 0/1min. Current: 1/1min."),
        Failure(status=429, body=b'{"error":{"details":[{"violations":[{"quotaId":"PerDay-FreeTier"}]}]}}'),
    ],
)
def test_trap_a_limit_of_zero(failure: Failure) -> None:
    """Zero was never used up: it is not in the plan, whatever wait stands beside it."""
    assert said(failure) == ("not_in_plan", "never")


def test_trap_a_wait_of_a_day_that_never_clears() -> None:
    """Azure's 86,400 seconds mean that the deployment can never serve a request of this size."""
    text = "have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 86400 seconds."
    assert said(Failure(text=text)) == ("request_too_large", "change")


@pytest.mark.parametrize("code", ["insufficient_quota", "billing_not_active", "rate_limit_exceeded", "x"])
def test_trap_a_relay_that_leaks_its_upstreams_code(code: str) -> None:
    """The relay's own sentence counts, not the code of the account behind it, which is not the user's."""
    body = f'{{"error":{{"message":"当前分组上游负载已饱和，请稍后再试","type":"{code}","code":"{code}"}}}}'.encode()
    assert said(Failure(status=429, body=body)) == ("upstream_limited", "wait")


def test_trap_quota_that_is_a_rate() -> None:
    """`token_quota_exceeded` and `param: quota` are tokens per minute."""
    body = b'{"message":"Too many","type":"too_many_tokens_error","param":"quota","code":"token_quota_exceeded"}'
    assert said(Failure(status=429, body=body)) == ("tokens", "wait")


def test_trap_suspended_that_is_an_empty_balance() -> None:
    """An account that is suspended for money needs money, not a letter to support."""
    text = "429 Your account is suspended due to insufficient balance, please recharge"
    assert said(Failure(text=text)) == ("insufficient_quota", "never")


def test_trap_billing_words_in_a_rate_limit() -> None:
    """An offer to add a card does not make a limit of requests a matter of money."""
    text = "429 Rate limited. Please add a payment method to raise your limit of 3 requests per minute."
    assert said(Failure(text=text)) == ("requests", "wait")


@pytest.mark.parametrize(
    ("failure", "subtype", "retry"),
    [
        (Failure(status=402, body=b'{"error":"Payment needed"}'), "insufficient_quota", "never"),
        (Failure(status=402, body=b'{"metadata":{"reason":"in_flight_budget_exhausted"}}'), "concurrency", "wait"),
        (Failure(status=403, body=b'{"error":{"message":"user quota is not enough"}}'), "gateway_budget", "never"),
        (Failure(status=400, body=b'{"error":{"code":"billing_hard_limit_reached"}}'), "spend_limit", "never"),
        (Failure(status=412, body=b'{"error":{"message":"Account x is suspended, possibly due to reaching the monthly '
                                  b'spending limit or failure to pay past invoices."}}'), "billing_inactive", "never"),
        (Failure(status=413, body=OVER_THE_WINDOW), "request_too_large", "change"),
        (Failure(status=401, body=b'{"detail":{"status":"quota_exceeded","message":"This request exceeds your quota of '
                                  b'9."}}'), "insufficient_quota", "never"),
        (Failure(status=529, body=b""), "overloaded", "wait"),
    ],
    ids=["402", "402 that waits", "403", "400", "412", "413", "401", "529"],
)  # fmt: skip
def test_trap_other_statuses_of_the_family(failure: Failure, subtype: str, retry: str) -> None:
    """402, 403, 400, 412, 413, 401 and 529 say the same things as 429."""
    assert said(failure) == (subtype, retry)


def test_trap_an_error_inside_a_success() -> None:
    """A stream that began with 200 can hold an error, and that is a failure."""
    stream = b'data: {"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day"}}\n\n'
    assert said(Failure(status=200, body=stream)) == ("requests", "wait")


def test_trap_claude_code_hides_long_context() -> None:
    """`Rate limit reached` of Claude Code with the log beneath it is about long context, which waiting never clears."""
    log = (
        "API Error: Rate limit reached\n"
        '[{"error":"Error: 429 {\\"type\\":\\"error\\",\\"error\\":{\\"type\\":\\"rate_limit_error\\",'
        '\\"message\\":\\"Extra usage is required for long context requests.\\"}}"}]'
    )
    assert said(Failure(text=log)) == ("long_context", "change")


def test_trap_a_wait_that_the_client_invented() -> None:
    """`Retrying in 8s` is the client's, not the server's."""
    finding = CATALOGUE.classify(Failure(text="429 rate limited. Retrying in 8s (attempt 2/10)"))
    assert (finding.subtype, finding.retry_after_s) == ("rate_unspecified", None)


def test_trap_a_client_that_lost_the_body() -> None:
    """A text without the answer's words is honestly unknown."""
    assert said(Failure(text="Error: Request failed with status code 429")) == ("unknown", "unknown")


def test_trap_a_request_that_must_change() -> None:
    """A faulty request is not a limit; sending it again does not help."""
    body = b'{"error":{"message":"Unknown parameter","type":"invalid_request_error"}}'
    assert said(Failure(status=400, body=body)) == ("unknown", "change")


def test_trap_a_refusal_without_a_reason() -> None:
    """A 403 that says nothing may be missing credit as well: the words do not rule it out."""
    finding = CATALOGUE.classify(Failure(status=403, body=b"{}"))
    assert (finding.subtype, finding.confidence) == ("permission", "guess")
    told = CATALOGUE.explain(finding)
    assert "credit" not in told.not_this
    assert "credit" in told.why


def test_trap_refused_content_that_speaks_of_credits() -> None:
    """What a check of the content refuses is changed by its author: no credit is missing, and no model is closed."""
    body = (
        b'{"error":{"message":"m requires moderation. Your input was flagged for \\"x\\". No credits were charged."}}'
    )
    told = CATALOGUE.explain(CATALOGUE.classify(Failure(status=403, provider="openrouter", body=body)))
    assert (told.finding.subtype, told.finding.retry) == ("unknown", "change")
    assert "content" in told.title


@pytest.mark.parametrize(
    ("failure", "subtype"),
    [
        (
            Failure(status=400, body=b'{"message":"too many tokens: the prompt cannot exceed 4000"}'),
            "request_too_large",
        ),
        (Failure(status=400, body=b'{"message":"a number of tokens that is odd"}'), "unknown"),
        (Failure(text="API Error: 400 because of concurrency in tool calls"), "unknown"),
    ],
)
def test_trap_rate_words_in_a_faulty_request(failure: Failure, subtype: str) -> None:
    """Tokens and concurrency under 400 are about the request itself: it is not sent again after a pause."""
    assert said(failure) == (subtype, "change")


@pytest.mark.parametrize(
    ("failure", "subtype", "retry"),
    [
        (Failure(fault="reset", sent=True), "connection_lost", "unknown"),
        (Failure(fault="refused"), "unreachable", "wait"),
    ],
)
def test_no_answer_at_all(failure: Failure, subtype: str, retry: str) -> None:
    """What may have been paid for is not sent again by itself; what never went out is."""
    assert said(failure) == (subtype, retry)


def test_why_shows_the_bytes() -> None:
    """Each rule says whether it matched, on what, or what was missing."""
    entries = CATALOGUE.why(Failure(status=402, body=b'{"error":"Insufficient Balance"}'))
    matched = [entry for entry in entries if entry["matched"]]
    assert matched[0]["rule"] == "generic.balance"
    assert matched[0]["on"] == ["status 402", 'the words "Insufficient Balance"']
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
    start = time.thread_time()
    for piece in ("limit ", "a" * 50, '{"a":', "error: ", "1m", "\\\\n", "'" * 9, "rate limit of 1 "):
        CATALOGUE.classify(Failure(text=piece * 4000))
    assert time.thread_time() - start < 20


def test_loading_does_nothing_yet() -> None:
    """A start does not pay for the catalogue; the first failure does."""
    start = time.thread_time()
    Catalogue.load()
    assert time.thread_time() - start < 0.05


def test_each_subtype_is_listed() -> None:
    """The table for README and `explain --list` has every subtype with its words."""
    rows = CATALOGUE.subtypes()
    assert len(rows) >= 33
    for row in rows:
        assert set(row) == {"subtype", "family", "retry", "waiting", "title", "what", "do"}
        assert all(row.values()), row


@pytest.mark.parametrize("missing", ["catalogue/signs", "catalogue/rules-openai", "catalogue/subtypes", "words/ko"])
def test_rules_that_cannot_be_read_now(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Where no descriptor is left the first failure is not lost: its own sentence and its status are told, and that the
    rest could not be read; the next one is explained."""
    real, closed = catalogue.datafile.read, [missing]

    def read(name: str) -> Any:
        if name in closed:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(name)

    monkeypatch.setattr(catalogue.datafile, "read", read)
    fresh = Catalogue.load()
    body = b'{"error":{"message":"You exceeded your current quota.","code":"insufficient_quota"}}'
    failure = Failure(status=429, provider="openai", body=body)
    told = fresh.explain(fresh.classify(failure), language="ko")
    assert told.finding.status == 429
    assert told.finding.original == "You exceeded your current quota."
    assert "Too many open files" in told.line + told.finding.evidence[-1]
    assert len(told.line) <= 150
    assert told.as_json()["line"]
    closed.clear()
    told = fresh.explain(fresh.classify(failure), language="ko")
    assert (told.finding.subtype, told.language) == ("insufficient_quota", "ko")


def test_a_key_in_a_pasted_text_is_not_repeated() -> None:
    """What looks like a key is in neither the quote nor the evidence."""
    key = "AIza" + "SyB9Ioj_geZ12345678CANARY9012345678"[:35]
    found = CATALOGUE.classify(Failure(text=f"Consumer 'api_key:{key}' has been suspended."))
    assert found.subtype == "account_suspended"
    assert key not in found.original + "".join(found.evidence)
