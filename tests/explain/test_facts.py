"""Numbers, waits and names are taken as the error states them, and only then."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.explain import Catalogue
from daemon.model import Failure

CATALOGUE = Catalogue.load()
GOOGLE = (
    '{"error":{"code":429,"message":"You exceeded your current quota. Please retry in 3.56s.","details":[{"violations":'
    '[{"quotaMetric":"x.googleapis.com/free_tier_requests","quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier",'
    '"quotaDimensions":{"model":"gemini-9"},"quotaValue":"15"}]},{"retryDelay":"3s"}]}}'
)


def facts(failure: Failure) -> dict[str, Any]:
    finding = CATALOGUE.classify(failure)
    names = ("window", "limit", "used", "requested", "retry_after_s", "reset_at", "model", "plan")
    return {name: value for name in names if (value := getattr(finding, name)) is not None}


@pytest.mark.parametrize(
    "failure",
    [
        Failure(429, headers=(("RateLimit", '"api";r=0;t=55'), ("RateLimit-Policy", '"api";q=500;w=3600'))),
        Failure(text="429 {'ratelimit': '\"api\";r=0;t=55', 'ratelimit-policy': '\"api\";q=500;w=3600'}"),
    ],
)
def test_the_lists_of_the_ietf_draft(failure: Failure) -> None:
    """Of the limits in RateLimit and its policy the one with no room: how much it is, and when there is more."""
    assert CATALOGUE.classify(failure).subtype == "requests"
    assert facts(failure) == {"window": "hour", "limit": 500.0, "retry_after_s": 55.0}
    low = Failure(429, headers=(("RateLimit", '"api";r=9;t=55'),))
    assert facts(low) == {}


def test_the_longest_of_several_quotas_holds() -> None:
    """Google lists all that are exceeded: when the minute is over, the day still is not, and its wait means nothing."""
    minute = GOOGLE[GOOGLE.index('{"quotaMetric"') : GOOGLE.index("]},")]
    day = minute.replace("PerMinute", "PerDay").replace('"15"', '"500"')
    assert facts(Failure(429, body=GOOGLE.encode()))["window"] == "minute"
    assert facts(Failure(429, body=GOOGLE.replace(minute, f"{minute},{day}").encode()))["window"] == "day"
    assert facts(Failure(429, body=GOOGLE.replace(minute, f"{day},{minute}").encode()))["window"] == "day"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Rate limit reached for gpt-9 in organization org-1 on tokens per min (TPM): "
            "Limit 30000, Used 28039, Requested 3906. Please try again in 3.89s.",
            {
                "window": "minute",
                "limit": 30000,
                "used": 28039,
                "requested": 3906,
                "retry_after_s": 3.89,
                "model": "gpt-9",
            },
        ),
        (
            "Rate limit reached for 10KTPM-200RPM in organization org-1 on tokens per min. "
            "Limit: 10000 / min. Please try again in 6ms.",
            {"window": "minute", "limit": 10000, "retry_after_s": 0.006},
        ),
        (
            "Rate limit reached. Limit: 60.000000 / min. Current: 80.000000 / min.",
            {"window": "minute", "limit": 60, "used": 80},
        ),
        ("429 rate limit of 40,000 input tokens per minute", {"window": "minute", "limit": 40000}),
        ("429 rate limited. Retrying in 8s (attempt 2/10)", {}),
        ("429 rate limited. Retrying in 16s", {}),
        ("429 rate limited. Retrying in 6h16m", {"retry_after_s": 22_560.0}),
        ("429 rate limited. If you recently paid, try again after 10 minutes.", {}),
        ("429 out of quota, which comes back: available in 1.00:00:30", {"retry_after_s": 86430}),
        ('429 {"error":{"message":"rate limit","reset_seconds":90}}', {"retry_after_s": 90}),
        ("429 rate limit hit by publishers/acme/models/m-9@2 just now", {"model": "m-9@2"}),
        ("[acme/m-9] [429] rate limited", {"model": "acme/m-9"}),
        ("429 you reached the rate limit for acme-m9-large.", {"model": "acme-m9-large"}),
        (
            "429 request reached organization TPD rate limit, current: 1526210, limit: 1500000",
            {"window": "day", "limit": 1500000, "used": 1526210},
        ),
        ("Too many requests: 3 RPM or 1000 RPD allowed", {}),
        ("Claude AI usage limit reached|1893456000", {"reset_at": 1893456000}),
        (
            "LiteLLM Rate Limit Handler for rate limit type = key. Crossed TPM / RPM. "
            "current rpm: 1, rpm limit: 15, current tpm: 120, tpm limit: 50",
            {"window": "minute", "limit": 50, "used": 120},
        ),
        ("LiteLLM Rate Limit Handler: Crossed TPM. current rpm: 1, rpm limit: 9223372036854775807", {}),
    ],
)
def test_what_texts_state(text: str, expected: dict[str, Any]) -> None:
    """The grammar of limits is read in all its years and dialects; the client's own waits are not."""
    assert facts(Failure(text=text)) == expected


def test_google_states_its_wait_twice() -> None:
    """retryDelay is cut to whole seconds, so the larger of the two is the true one."""
    assert facts(Failure(status=429, body=GOOGLE.encode())) == {
        "window": "minute",
        "limit": 15,
        "retry_after_s": 3.56,
        "model": "gemini-9",
    }


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "20"}, 20), ({"retry-after-ms": "1500", "retry-after": "1"}, 1.5),
        ({"retry-after": "208800"}, 208_800), ({"retry-after": "7s"}, 7), ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "-1"}, None), ({"retry-after": ""}, None), ({"retry-after": "later"}, None),
        ({"retry-after": "999999999"}, 3_456_000), ({"retry-after": "9" * 400}, 3_456_000),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Tue, 26 Mar 2099 20:00:30 GMT", "date": "Tue, 26 Mar 2024 20:00:00 GMT"}, 3_456_000),
        ({"retry-after": "Mon, 25 Mar 2024 20:00:30 GMT", "date": "Tue, 26 Mar 2024 20:00:00 GMT"}, 0),
        ({"retry-after": "2024-03-26T20:00:30Z", "date": "Tue, 26 Mar 2024 20:00:00 GMT"}, 30),
        ({"retry-after": "Tue, 26 Mar 2024 20:00:30 GMT", "date": "Tue, 26 Mar 2024 20:00:00 GMT"}, 30),
    ],
)  # fmt: skip
def test_waits_in_headers(headers: dict[str, str], wait: float | None) -> None:
    """Retry-After in all its forms. Above 40 days it says never, and counts as 40 days: nobody sends again then."""
    finding = CATALOGUE.classify(Failure(status=429, headers=tuple(headers.items()), body=b"rate limited"))
    assert finding.retry_after_s == wait


@given(st.binary(max_size=200), st.text(max_size=60))
def test_no_field_of_a_wait_raises(body: bytes, value: str) -> None:
    """Whatever stands in header or body, the wait is None or within [0, 40 days]."""
    for data in (body, b'{"retry_after": ' + body + b"}"):
        fields = (("Retry-After", value), ("Retry-After-Ms", value), ("X-RateLimit-Reset", value), ("Date", value))
        for headers in (fields, fields[2:]):
            failure = Failure(status=429, headers=headers, provider="together", body=data)
            wait = CATALOGUE.classify(failure, now=1_800_000_000.0).retry_after_s
            assert wait is None or 0 <= wait <= 40 * 86_400


@pytest.mark.parametrize(
    ("name", "value", "at"),
    [
        ("anthropic-ratelimit-unified-reset", "1893456000", 1_893_456_000),
        ("X-RateLimit-Reset", "1893456000000", 1_893_456_000),
        ("X-RateLimit-Reset", "60", None),
    ],
)
def test_resets_in_headers(name: str, value: str, at: float | None) -> None:
    """Epochs of a reset are read in seconds and milliseconds; a duration there is no epoch."""
    assert CATALOGUE.classify(Failure(status=429, headers=((name, value),), body=b"rate limited")).reset_at == at


@pytest.mark.parametrize(
    ("failure", "wait"),
    [
        (Failure(status=429, body=b'{"error":{"metadata":{"raw":"Later","retry_after_seconds":5}}}'), 5),
        (Failure(status=429, body=b'{"detail":"throttled","retry_after":5}'), 5),
        (Failure(status=429, body=b'{"message":"Later","retryAfterMs":1500}'), 1.5),
        (Failure(status=429, provider="together", headers=(("X-RateLimit-Reset", "7"),), body=b"{}"), 7),
        (Failure(status=429, provider="openai", headers=(("X-RateLimit-Reset", "7"),), body=b"{}"), None),
    ],
)
def test_waits_in_fields(failure: Failure, wait: float | None) -> None:
    """A field of the body may hold the wait; a reset is one where the provider documents it so."""
    assert CATALOGUE.classify(failure).retry_after_s == wait


def test_headers_tell_what_the_body_does_not() -> None:
    """With tokens nearly gone and requests left, the tokens are the limit."""
    headers = (("x-ratelimit-limit-tokens", "8000"), ("x-ratelimit-remaining-tokens", "12"),
               ("x-ratelimit-limit-requests", "8"), ("x-ratelimit-remaining-requests", "7"))  # fmt: skip
    finding = CATALOGUE.classify(
        Failure(status=429, provider="azure", headers=headers, body=b'{"error":{"code":"429","message":"Later"}}')
    )
    assert (finding.subtype, finding.limit, finding.window, finding.dimension) == ("tokens", 8000, "minute", "tokens")


def test_an_http_date_without_the_answers_date_needs_the_time() -> None:
    """Retry-After as a date is counted from the answer's own Date, else from the time that the caller gives."""
    failure = Failure(status=429, headers=(("Retry-After", "Tue, 26 Mar 2024 20:00:30 GMT"),), body=b"rate limited")
    assert CATALOGUE.classify(failure).retry_after_s is None
    assert CATALOGUE.classify(failure, now=1_711_483_200.0).retry_after_s == 30
    dated = Failure(status=429, headers=(*failure.headers, ("Date", "Tue, 26 Mar 2024 20:00:10 GMT")), body=b"x")
    assert CATALOGUE.classify(dated, now=0.0).retry_after_s == 20


def test_the_model_inside_comes_before_the_proxys_name_for_it() -> None:
    """A proxy's group is named only where nothing else is."""
    outer = "no luck, Received Model Group=best"
    assert facts(Failure(text=outer))["model"] == "best"
    assert facts(Failure(text=f'{{"model": "m-9"}} {outer}'))["model"] == "m-9"
    inner = f"max_tokens: 9000 > 4096, the maximum number of output tokens for chat-9-small. {outer}"
    assert facts(Failure(text=inner)) == {"limit": 4096, "requested": 9000, "model": "chat-9-small"}


def test_a_wait_for_who_has_just_mended_something_is_none() -> None:
    """Neither on one line nor hard-wrapped."""
    for gap in (" ", "\n"):
        text = f"429 Rate limited. If you recently{gap}fixed this issue, try{gap}again after 5 minutes"
        assert "retry_after_s" not in facts(Failure(text=text))


def test_a_wait_in_a_header_of_github_models() -> None:
    """x-ratelimit-timeremaining holds seconds."""
    assert facts(Failure(status=429, headers=(("x-ratelimit-timeremaining", "28"),), body=b""))["retry_after_s"] == 28
