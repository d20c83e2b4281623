"""How long a provider asks to wait."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.model import Headers
from daemon.providers import provider_for

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


def wait(*headers: tuple[str, str], body: bytes = b"", status: int = 429, provider: str = "openai") -> float | None:
    found = provider_for(provider)
    assert found is not None
    return found.retry_after(status, headers, body, NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((("Retry-After", "20"),), 20.0),
        ((("retry-after", "1"), ("retry-after-ms", "350")), 0.35),
        ((("retry-after", "2.5"),), 2.5),
        ((("retry-after", "7s"),), 7.0),
        ((("retry-after", "Fri, 15 Jan 2027 08:01:00 GMT"),), 60.0),
        ((("date", "Fri, 15 Jan 2027 08:00:50 GMT"), ("retry-after", "Fri, 15 Jan 2027 08:01:00 GMT")), 10.0),
        ((("retry-after", "-5"),), 0.0),
        ((("retry-after", "1000000000"),), 172800.0),
        ((("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"),), 0.0),
        ((("retry-after", "Thu, 01 Jan 2099 00:00:00 GMT"),), 172800.0),
        ((("retry-after", "9" * 300),), 172800.0),
        ((("retry-after", "NaN"),), None),
        ((("retry-after", ""),), None),
        ((("retry-after", "later"),), None),
        ((), None),
    ],
)
def test_headers(headers: Headers, seconds: float | None) -> None:
    """All forms of the header; the milliseconds are the more exact one; hostile values stay within [0, 2 days]."""
    assert wait(*headers) == (None if seconds is None else pytest.approx(seconds))


def gemini(delay: str, message: str) -> bytes:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    return json.dumps([{"error": {"code": 429, "message": message, "details": [{"@type": "x"}, info]}}]).encode()


def test_gemini_takes_the_larger_delay() -> None:
    """RetryInfo is cut to whole seconds in newer answers; the sentence has the fraction."""
    assert wait(body=gemini("3s", "Quota used up. Please retry in 3.56s.")) == pytest.approx(3.56)
    assert wait(body=gemini("34.07s", "Quota used up.")) == pytest.approx(34.07)


def test_a_wait_in_a_field_of_the_body() -> None:
    """Replicate puts the wait into the body."""
    assert wait(body=b'{"detail": "throttled", "status": 429, "retry_after": 5}') == 5.0


def test_togethers_reset_is_a_wait() -> None:
    """Only where the provider documents it so."""
    assert wait(("x-ratelimit-reset", "4"), provider="together") == 4.0
    assert wait(("x-ratelimit-reset", "4")) is None


def test_a_success_asks_for_no_wait() -> None:
    """Retry-After on a 200 is not about the next call."""
    assert wait(("retry-after", "9"), status=200) is None


@given(st.binary(max_size=200), st.text(max_size=60))
def test_nothing_raises(body: bytes, value: str) -> None:
    """Whatever comes, the answer is None or within [0, 2 days]."""
    for data in (body, b'{"retry_after": ' + body + b"}"):
        result = wait(("retry-after", value), body=data)
        assert result is None or 0 <= result <= 172800
