"""Headers that lie."""

from __future__ import annotations

from daemon.sandbox.meter import Standing
from daemon.sandbox.quirks import shown

REQUESTS = Standing("requests", "minute", 120, 100, 10.0)
TOKENS = Standing("tokens", "minute", 1000, 500, 30.0)


def test_no_quirk_changes_nothing():
    """The figures are true; stamped_at_end is a matter of time, not of figures."""
    assert shown((REQUESTS, TOKENS), None, 6) == (REQUESTS, TOKENS)
    assert shown((REQUESTS, TOKENS), "stamped_at_end", 6) == (REQUESTS, TOKENS)


def test_minus_one():
    """Requests are told as -1, tokens as they are."""
    requests, tokens = shown((REQUESTS, TOKENS), "minus_one", 6)
    assert (requests.limit, requests.remaining, tokens) == (-1, -1, TOKENS)


def test_per_slice():
    """A sixth of the minute's requests, whether the limit is counted in slices or not."""
    requests, _ = shown((REQUESTS, TOKENS), "per_slice", 6)
    assert (requests.limit, requests.remaining) == (20, 20)
    sliced = Standing("requests", "minute", 120, 100, 10.0, slice_limit=20, slice_remaining=3)
    assert shown((sliced,), "per_slice", 6)[0].remaining == 3
