"""How providers count, from what they say."""

import random

import pytest
from limiters import SHAPES

from daemon.pacing.shapes import Sample, judge, refills_unsaid


def samples(shape: str, limit: int, period: float, times: list[float], **more: float) -> list[Sample]:
    """What a limiter answers to calls of one unit at TIMES, as we would see it."""
    limiter, found, sent = SHAPES[shape](limit, period, **more), [], []
    for seq, at in enumerate(times):
        if limiter.wait_s(1.0, at) > 0:
            continue
        limiter.take(1.0, at)
        sent.append(at)
        own = float(sum(1 for t in sent if t > at - period))
        found.append(Sample(seq, at, at, limit, limiter.remaining(at), limiter.reset_s(at), own, own))
    return found


@pytest.mark.parametrize("limit", [10, 20, 60, 500, 5000])
@pytest.mark.parametrize("period", [6.0, 60.0])
def test_a_bucket_is_known_by_its_refill(limit: int, period: float) -> None:
    """The stated time to fullness is in proportion to what is used."""
    times = [1000 + i * period / limit / 4 for i in range(12)]
    verdict = judge(samples("bucket", limit, period, times), period, period)
    assert verdict is not None
    assert (verdict.shape, verdict.period_s) == ("bucket", period)


def test_a_day_hidden_in_the_requests_header_is_found() -> None:
    """8.64 s for one of 10,000 is a day's bucket, whatever the header's name suggests."""
    times = [1000.0 + i for i in range(10)]
    verdict = judge(samples("bucket", 10_000, 86_400.0, times), 60.0, 60.0)
    assert verdict is not None
    assert (verdict.shape, verdict.period_s) == ("bucket", 86_400.0)


@pytest.mark.parametrize("phase", [0.0, 1.3, 2.9])
def test_fixed_windows_are_known_by_their_common_end(phase: float) -> None:
    """All answers of a window name the same instant."""
    times = [1000.0 + 0.12 * i for i in range(12)]
    found = samples("fixed", 60, 6.0, times, phase_s=phase)
    verdict = judge(found, 6.0, 6.0)
    assert verdict is not None
    assert verdict.shape == "fixed"
    assert verdict.boundary is not None
    assert abs((verdict.boundary + phase + 3.0) % 6.0 - 3.0) < 0.2


def test_a_sliding_window_is_known_by_its_moving_end() -> None:
    """The newest call leaves one period after it came, so the named instant moves along."""
    verdict = judge(samples("sliding", 60, 6.0, [1000.0 + 0.12 * i for i in range(12)]), 6.0, 6.0)
    assert verdict is not None
    assert verdict.shape == "sliding"


def test_a_short_window_is_not_taken_for_a_minute() -> None:
    """Ends one second apart mean windows of one second."""
    times = [1000.0 + 0.05 * i for i in range(5)] + [1001.0 + 0.05 * i for i in range(5)]
    verdict = judge(samples("fixed", 10, 1.0, times), 6.0, 6.0)
    assert verdict is not None
    assert (verdict.shape, verdict.period_s) == ("fixed", 1.0)


def test_two_answers_in_one_instant_prove_nothing() -> None:
    """No verdict without contradiction."""
    assert judge(samples("sliding", 60, 6.0, [1000.0, 1000.001]), 6.0, 6.0) is None


def test_no_shape_is_taken_for_a_faster_one() -> None:
    """Hundreds of random schedules: windows are never judged to be buckets, whose bursts they would refuse."""
    for seed in range(300):
        rng = random.Random(seed)
        shape, limit = rng.choice(["fixed", "sliding"]), rng.choice([10, 20, 60, 300])
        times, at = [], 1000.0 + rng.uniform(0, 6)
        for _ in range(12):
            at += rng.expovariate(rng.choice([2, 10, 100]))
            times.append(at)
        verdict = judge(samples(shape, limit, 6.0, times), 6.0, 6.0)
        assert verdict is None or verdict.shape != "bucket", f"seed {seed}: {shape} {limit}"


def test_a_bucket_shows_without_resets_by_what_flows_back() -> None:
    """Less is used than was sent, by a limit's worth a period. In a window all that was sent is used, and one that has
    begun anew has not lost it little by little."""

    def answers(used: list[float]) -> list[Sample]:
        return [
            Sample(i, 10.0 + i, 10.1 + i, 60.0, 60.0 - u, None, 40.0 + i, 41.0 + i) for i, u in enumerate(used)
        ]  # fmt: skip

    refilled = [40.0 + i - (10.0 + i) for i in range(6)]
    assert refills_unsaid(answers(refilled), 60.0, 0.0)
    assert not refills_unsaid(answers([40.0 + i for i in range(6)]), 60.0, 0.0)
    assert not refills_unsaid(answers([40.0, 41.0, 42.0, 1.0, 2.0, 3.0]), 60.0, 0.0)
    assert not refills_unsaid(answers(refilled), 60.0, -50.0), "after the first period a window may have lost something"
    assert not refills_unsaid(answers(refilled)[:5], 60.0, 0.0)
