"""The limits of one account."""

from __future__ import annotations

import pytest

from daemon.sandbox.meter import Cost, Meter
from daemon.sandbox.settings import SHAPES, SandboxSettings, Shape


def test_the_limit_that_lasts_longest_is_told():
    """With requests and tokens both used up, the answer speaks of the longer wait."""
    meter = Meter(SandboxSettings(requests_per_minute=2, tokens_per_minute=100), 0.0)
    for _ in range(2):
        assert meter.admit(Cost(input=50, output=0.0), 0.0) is None
    trouble = meter.admit(Cost(input=100, output=0.0), 0.0)
    assert trouble is not None
    assert (trouble.kind, trouble.dimension, trouble.used, trouble.requested) == ("rate", "tokens", 100, 100)
    assert trouble.wait_s == pytest.approx(60.0)
    trouble = meter.admit(Cost(input=1, output=0.0), 0.0)
    assert trouble is not None
    assert (trouble.dimension, trouble.wait_s) == ("requests", pytest.approx(30.0))


def test_a_request_above_a_limit_is_too_large_and_a_limit_of_zero_is_not_in_plan():
    """Waiting helps neither; they have no wait."""
    meter = Meter(SandboxSettings(tokens_per_minute=100), 0.0)
    trouble = meter.admit(Cost(input=90, output=20.0), 0.0)
    assert trouble is not None
    assert (trouble.kind, trouble.limit, trouble.requested, trouble.wait_s) == ("too-large", 100, 110, None)
    trouble = Meter(SandboxSettings(requests_per_minute=0), 0.0).admit(Cost(), 0.0)
    assert trouble is not None
    assert trouble.kind == "not-in-plan"


def test_unused_output_comes_back_only_with_refund():
    """max_tokens is reserved at the door; what was not produced is given back if the provider does so."""
    for refund, left in ((False, 0.0), (True, 80.0)):
        meter = Meter(SandboxSettings(requests_per_minute=None, tokens_per_minute=100, refund=refund), 0.0)
        cost = Cost(input=10, output=90.0)
        assert meter.admit(cost, 0.0) is None
        meter.settle(cost, 10, 0.0, 0.0)
        assert meter.standing(0.0)[0].remaining == left


def test_output_without_reservation_is_charged_when_produced():
    """Anthropic's way: nothing at the door, all at the end."""
    meter = Meter(SandboxSettings(requests_per_minute=None, tokens_per_minute=100, output_tokens_per_minute=50), 0.0)
    cost = Cost(input=10)
    assert meter.admit(cost, 0.0) is None
    meter.settle(cost, 30, 0.0, 0.0)
    assert [s.remaining for s in meter.standing(0.0)] == [60.0, 20.0]


def test_a_refused_request_counts_if_the_provider_counts_it():
    """Hammering keeps a window closed."""
    for counted, wait in ((False, 20.0), (True, 60.0)):
        settings = SandboxSettings(
            requests_per_minute=1, tokens_per_minute=None, shape="sliding", count_refused=counted
        )
        meter = Meter(settings, 0.0)
        assert meter.admit(Cost(), 0.0) is None
        assert meter.admit(Cost(), 40.0) is not None
        trouble = meter.admit(Cost(), 40.0)
        assert trouble is not None
        assert trouble.wait_s == pytest.approx(wait)


def test_concurrency_is_what_runs_now():
    """A place is free again when a request leaves."""
    meter = Meter(SandboxSettings(concurrency=1), 0.0)
    assert meter.admit(Cost(), 0.0) is None
    trouble = meter.admit(Cost(), 0.0)
    assert trouble is not None
    assert (trouble.kind, trouble.limit) == ("concurrency", 1)
    meter.leave()
    assert meter.admit(Cost(), 0.0) is None


@pytest.mark.parametrize("shape", SHAPES)
def test_somebody_else_takes_their_share(shape: Shape):
    """30 % of 60 a minute: about 18 calls a minute are the other's, and ours get the rest."""
    settings = SandboxSettings(requests_per_minute=60, tokens_per_minute=None, shape=shape, foreign_share=0.3)
    meter = Meter(settings, 0.0)
    ours = sum(meter.admit(Cost(), tick * 0.05) is None for tick in range(20 * 60 * 5))
    # On windows their calls of the last minute still wait for the next one.
    assert meter.foreign == pytest.approx(18 * 5, abs=18)
    assert ours + meter.foreign == pytest.approx(60 * (6 if shape == "bucket" else 5), abs=2)


def test_day_limits_do_not_scale_with_the_minute():
    """A minute of six seconds has a day of 86400 seconds, and a second of a tenth."""
    settings = SandboxSettings(
        requests_per_second=1, requests_per_minute=60, requests_per_hour=1000, requests_per_day=1, minute_s=6
    )
    meter = Meter(settings, 0.0)
    assert meter.admit(Cost(), 0.0) is None
    full = {(s.dimension, s.window): s.full_s for s in meter.standing(0.0)}
    assert full["requests", "second"] == pytest.approx(0.1)
    assert full["requests", "minute"] == pytest.approx(0.1)
    assert full["requests", "hour"] == pytest.approx(0.36)
    assert full["requests", "day"] == pytest.approx(86400)


def test_slices_apply_to_the_minute_and_headers_can_tell_the_slice():
    """The standing has both figures."""
    meter = Meter(SandboxSettings(requests_per_minute=60, tokens_per_minute=None, shape="slices"), 0.0)
    meter.admit(Cost(), 0.0)
    (standing,) = meter.standing(0.0)
    assert (standing.limit, standing.remaining, standing.slice_limit, standing.slice_remaining) == (60, 59, 10, 9)
