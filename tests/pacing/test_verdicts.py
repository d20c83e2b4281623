"""What to do after a refusal."""

import pytest

from daemon.model import UNREAD, Finding
from daemon.pacing.verdicts import course


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (Finding("requests", "rate", "wait", status=429, dimension="requests", window="minute"), "rate"),
        (Finding("tokens", "rate", "wait", status=429, dimension="tokens", window="day"), "day"),
        (Finding("rate_unspecified", "rate", "wait", status=429), "bare"),
        (Finding("rate_unspecified", "rate", "wait", status=429, retry_after_s=3.0), "rate"),
        (Finding("concurrency", "rate", "wait", status=429), "concurrency"),
        (Finding("insufficient_quota", "quota", "never", status=429), "give_up"),
        (Finding("request_too_large", "request", "change", status=429), "give_up"),
        (Finding("invalid_api_key", "access", "never", status=401), "give_up"),
        (Finding("overloaded", "capacity", "wait", status=529), "overload"),
        (Finding("server_error", "server", "wait", status=500), "overload"),
        (Finding("gateway_limit", "gateway", "wait", status=429), "bare"),
        (Finding("gateway_budget", "gateway", "never", status=429), "give_up"),
        (Finding("unknown", "unknown", "unknown", status=429), "bare"),
        (Finding("unknown", "unknown", "unknown", status=429, rule=UNREAD), "give_up"),
        (Finding("unknown", "unknown", "unknown", status=502), "overload"),
        (Finding("unknown", "unknown", "unknown", status=404), "give_up"),
        (Finding("plan_window", "quota", "wait", status=429, retry_after_s=60.0), "day"),
    ],
)
def test_each_kind_of_refusal_has_its_course(finding: Finding, expected: str) -> None:
    """`retry` decides whether at all, the family how."""
    assert course(finding) == expected
