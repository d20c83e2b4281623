"""How does the provider count? Found out from what its answers say, by contradiction.

bucket   refills continuously; `reset` is the time until it is full: S = (L - R) / L * W
fixed    empties at an instant that all answers of a window agree on: sent + S is the same
sliding  each call counts for W seconds; with `reset` counted to the newest one's exit, S is nearly W

Pure functions over the last samples; a shape once found stays until the samples contradict it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum
from typing import Literal, NamedTuple

Shape = Literal["unknown", "bucket", "fixed", "sliding"]

NOMINAL_S = (1.0, 2.0, 5.0, 6.0, 10.0, 12.0, 15.0, 20.0, 30.0, 60.0, 3600.0)
"""Periods that providers use, in seconds of a 60-second minute; a day does not scale."""
DAY_S = 86_400.0
TOLERANCE = 0.03
"""Part of the period by which two instants may differ and still be the same."""
ENOUGH = 6
"""Answers that must agree on a bucket."""


class Sample(NamedTuple):
    """What one answer said about one limit."""

    seq: int
    sent_at: float
    answered_at: float
    limit: float
    remaining: float
    reset_s: float | None
    least: float
    """Our charges of the period before it, itself included, which the server has surely counted."""
    most: float
    """The same, and those that it may have counted."""
    counted: bool = True
    """False: it was refused."""

    @property
    def used(self) -> float:
        return self.limit - self.remaining


@dataclass(frozen=True, slots=True)
class Verdict:
    shape: Shape
    period_s: float
    boundary: float | None = None
    """With fixed: an instant at which a window surely has begun (a little late rather than early)."""


@cache
def periods(minute_s: float) -> tuple[float, ...]:
    """The candidates for a period in a world whose minute lasts MINUTE_S."""
    return (*(p * minute_s / 60.0 for p in NOMINAL_S), DAY_S)


def judge(samples: Sequence[Sample], period_s: float, minute_s: float, *, known_period: bool = False) -> Verdict | None:
    """Return what the samples prove, or None when they prove nothing. SAMPLES are in order of sending, of one limit."""
    timed = [s for s in samples if s.reset_s is not None]
    if len(timed) < 2:
        return None
    last = timed[-ENOUGH:]
    if len({s.remaining for s in last}) >= 3:
        candidates = (period_s,) if known_period else (period_s, *periods(minute_s))
        for candidate in _fitting(last[-1], last[-1].reset_s or 0.0, candidates):
            if is_bucket(last, candidate):
                return Verdict("bucket", candidate)
    for s in last:
        if misfits_bucket(s, period_s):
            return _fixed(timed, period_s, minute_s, known_period) or _sliding(timed, period_s)
    return None


def refill_s(sample: Sample, period_s: float) -> float:
    """The `reset` that a bucket would state."""
    return sample.used / sample.limit * period_s


def misfits_bucket(sample: Sample, period_s: float) -> bool:
    """True if SAMPLE cannot come from a bucket of PERIOD_S."""
    reset_s = sample.reset_s
    if reset_s is None or abs(reset_s - (sample.limit - sample.remaining) / sample.limit * period_s) <= 1e-3:
        return False
    return not _fitting(sample, reset_s, (period_s,))


def _fitting(sample: Sample, reset_s: float, candidates: Iterable[float]) -> list[float]:
    """Those of the periods of which SAMPLE may come from a bucket. Remaining may be rounded down to a whole unit, or to
    thousands."""
    limit, unit = sample.limit, _unit(sample)
    full, off_s = (limit - sample.remaining) / limit, _grain(reset_s)
    return [p for p in candidates if abs(reset_s - (e := full * p)) <= 0.08 * e + p / limit * unit + off_s + 1e-3]


def is_bucket(samples: Sequence[Sample], period_s: float) -> bool:
    """True if all samples, of which three say different things, fit, and differ enough that neither a window nor chance
    fits as well."""
    if any(misfits_bucket(s, period_s) for s in samples):
        return False
    resets = [s.reset_s for s in samples if s.reset_s is not None]
    expected = [refill_s(s, period_s) for s in samples]
    grain = min(_grain(s) for s in resets)
    telling = (
        max(expected) - min(expected) > 1.5 * max(_unit(s) for s in samples) * period_s / samples[-1].limit + grain
    )
    return telling and 0.5 < _slope(expected, resets) < 2.0 and min(resets) < 0.9 * period_s


def refills_unsaid(samples: Sequence[Sample], period_s: float, began: float) -> bool:
    """Answers without `reset`: True if less is used than we have sent since BEGAN, by as much as a bucket refills.

    Only within the first period, when nothing has left a window; one that has begun anew shows as a jump.
    """
    last = samples[-ENOUGH:]
    if last[-1].reset_s is not None or len(last) < ENOUGH or any(s.reset_s is not None or not s.counted for s in last):
        return False
    rate = last[-1].limit / period_s
    expected = [(s.sent_at - began) * rate for s in last]
    if expected[0] < max(3.0, 0.03 * last[-1].limit) or last[-1].sent_at - began > 0.9 * period_s:
        return False
    fits = all(s.least - e - 1.5 <= s.used <= s.most - 0.75 * e + 1.5 for s, e in zip(last, expected, strict=True))
    return fits and all(s.used <= s.least - 0.4 * e for s, e in zip(last, expected, strict=True))


def _slope(across: Sequence[float], up: Sequence[float]) -> float:
    """How steeply UP rises with ACROSS (least squares). A window's `reset` falls while more is used."""
    a, u = fsum(across) / len(across), fsum(up) / len(up)
    spread = sum((x - a) ** 2 for x in across)
    return sum((x - a) * (y - u) for x, y in zip(across, up, strict=True)) / spread if spread else 0.0


def _fixed(samples: Sequence[Sample], period_s: float, minute_s: float, known: bool) -> Verdict | None:
    """Windows that begin at fixed instants."""
    # In a moving window all that is counted has the whole period before it; what is refused sees the newest one's end.
    resets = [s.reset_s or 0.0 for s in samples if s.counted]
    spread = max(resets, default=0.0) - min(resets, default=0.0)
    over = [s for s in samples if s.least - (s.limit - s.remaining) > 1.5]
    proof = any(s.least - s.used > 0.25 * s.limit for s in over)  # more was let through than one window holds
    if not proof and not known and spread < 0.06 * (max(resets, default=0.0) - TOLERANCE * minute_s / 60.0):
        return None  # most of the time, and found out soonest: a period is hardly shorter than the longest `reset`
    period = period_s if known else _window_length(samples, period_s, minute_s)
    if period is None:
        return None
    tolerance = TOLERANCE * period + min(_grain(s.reset_s or 0.0) for s in samples)
    last = samples[-1]
    end = last.sent_at + (last.reset_s or 0.0)
    same = [s for s in samples if abs(folded(s.sent_at + (s.reset_s or 0.0) - end, period)) <= tolerance]
    if len(same) < len(samples):
        return None
    if not proof and (spread < 2.5 * tolerance or spread < 0.08 * period):
        return None
    latest = min((folded(s.answered_at + (s.reset_s or 0.0) - end, period) for s in same), default=0.0)
    earliest = max(folded(s.sent_at + (s.reset_s or 0.0) - end, period) for s in same)
    begun = end + max(latest, earliest) - period
    inside = [s.sent_at for s in same if abs(s.sent_at + (s.reset_s or 0.0) - end) <= tolerance]
    return Verdict("fixed", period, min(begun, *inside))  # what the window has counted came after its beginning


def _sliding(samples: Sequence[Sample], period_s: float) -> Verdict | None:
    """Each call leaves one period after it came: `reset` moves along with the calls."""
    recent = samples[-ENOUGH:]
    if len(recent) < 3 or any((s.reset_s or 0.0) < 0.85 * period_s for s in recent):
        return None
    sent = [s.sent_at for s in recent]
    ends = [s.sent_at + (s.reset_s or 0.0) for s in recent]
    moved = max(sent) - min(sent)
    if moved < 3 * TOLERANCE * period_s or max(ends) - min(ends) < 0.6 * moved:
        return None
    return Verdict("sliding", period_s)


def _window_length(samples: Sequence[Sample], period_s: float, minute_s: float) -> float | None:
    """The present period, else the longest usual one, that is not shorter than any stated reset and divides
    the distances between boundaries."""
    longest = max(s.reset_s or 0.0 for s in samples)
    ends = sorted(s.sent_at + (s.reset_s or 0.0) for s in samples)
    tolerance = TOLERANCE * max(longest, minute_s / 60.0)
    gaps = [b - a for a, b in itertools.pairwise(ends) if b - a > 2 * tolerance]
    if not gaps:
        return period_s if longest <= period_s * 1.05 else min(p for p in (*periods(minute_s), longest) if p >= longest)
    usual = [p for p in sorted(periods(minute_s), reverse=True) if p <= min(gaps) + 2 * tolerance]
    for period in (period_s, *usual):  # windows in which nothing was sent make gaps longer, never shorter
        if period >= longest - tolerance and all(abs(folded(gap, period)) <= 2 * tolerance for gap in gaps):
            return period
    return None


def folded(distance: float, period_s: float) -> float:
    """DISTANCE folded into (-period/2, period/2]."""
    return distance - round(distance / period_s) * period_s


def _unit(sample: Sample) -> float:
    """How coarsely `remaining` is stated (Anthropic: thousands)."""
    if sample.limit >= 20_000 and sample.remaining % 1000 == 0:
        return 1000.0
    return 1.0


def _grain(seconds: float) -> float:
    """How coarsely a duration is stated: whole seconds are rounded up or down."""
    return 1.0 if seconds >= 1.0 and float(seconds).is_integer() else 0.0
