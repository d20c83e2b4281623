"""The RateLimit fields of the IETF draft, in all its forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.quotas import MOST_ITEMS, Quota, quotas


@pytest.mark.parametrize(
    ("ratelimit", "policy", "expected"),
    [
        ('"burst";r=0;t=55', '"burst";q=500;w=300', [Quota("500", "0", "55", "300")]),
        ('"api";r=0;t=55', '"fixed window";"api";q=500;w=300', [Quota("500", "0", "55", "300")]),
        (
            '"a";r=9;t=1, "b";r=70;t=300;pk=:eA==:',
            '"a";q=10;w=1,"b";q=100;w=3600;pk=:eA==:',
            [Quota("10", "9", "1", "1"), Quota("100", "70", "300", "3600")],
        ),
        ("limit=100, remaining=50, reset=5", "100;w=60", [Quota("100", "50", "5", "60")]),
        ("limit=100, remaining=50, reset=5", "10;w=1, 100;w=60", [Quota("100", "50", "5", None)]),
        ('"a";r=3', "", [Quota(None, "3", None, None)]),
        ("", '"a";q=10;w=60', [Quota("10", None, None, "60")]),
        ('"a";r=3', '"a";q=65535;qu="content-bytes"', []),
        ("", "", []),
        ("0", "nothing", []),
    ],
)
def test_what_is_said(ratelimit: str, policy: str, expected: list[Quota]) -> None:
    """State and policy belong together by their name; what counts no requests is left out; of version 7 the window is
    that of the policy with the same limit."""
    assert quotas(ratelimit, policy) == expected


@given(st.text(alphabet='"a;=,1 rqtw'), st.text(alphabet='"a;=,1 rqtw'))
def test_nothing_breaks_it(ratelimit: str, policy: str) -> None:
    """Whatever a provider makes up."""
    assert len(quotas(ratelimit, policy)) <= 2 * MOST_ITEMS


def test_a_long_value_is_read_quickly() -> None:
    """Sixteen items count; the rest is not looked at, and quotes without an end cost nothing."""
    assert len(quotas(", ".join(f'"n{i}";r=1' for i in range(1000)), "")) == MOST_ITEMS
    assert quotas('"' * 10_000, ";" * 10_000) == []
