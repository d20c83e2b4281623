"""What an answer teaches a ledger: the limit, what is left, how the provider counts, and what others use.

The newest fact wins by order of SENDING: a late answer is old news. An answer that is not streamed comes after the
whole service time, and some providers stamp `remaining` at the end: so what flows back is counted from its arrival,
until answers have shown that they speak of the instant of admission.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from daemon.model import Reading
from daemon.pacing.blocks import Charge
from daemon.pacing.comparing import compare, see_others, see_stamp
from daemon.pacing.ledger import Anchor, Ledger
from daemon.pacing.reshaping import level_up, reshape
from daemon.pacing.shapes import Sample, folded, judge, misfits_bucket, refills_unsaid
from daemon.pacing.slices import doubt_slices
from daemon.phrases import phrase

_log = logging.getLogger("sluice.pacing")

SAMPLES = 12
MAX_LIMIT = 1e15
OFTEN = 600.0
"""So many answers in a minute teach what there is to learn of a limit that is hardly used."""
HARDLY = 0.1
"""The part of a limit up to which it is hardly used."""
WIDE = 1000.0
"""A limit that is hardly used while a hundred units of it are."""


ZEROS = 5
"""So many successes in a row that leave nothing are no accident."""


def plausible(reading: Reading) -> bool:
    """False for what no honest limiter says; such a reading is not even kept."""
    limit, remaining, reset = reading.limit, reading.remaining, reading.reset_s
    if limit is not None and not 0 < limit < MAX_LIMIT:
        return False
    if remaining is not None and not 0 <= remaining < MAX_LIMIT:
        return False
    if limit is not None and remaining is not None and remaining > limit:
        return False
    return reset is None or 0 <= reset <= 40 * 86_400


def observe(
    ledger: Ledger, reading: Reading, *, charge: Charge | None, seq: int, sent_at: float, now: float, early: bool,
    passed: bool = False,
) -> None:  # fmt: skip
    """Take over what the answer to attempt SEQ says. EARLY: the answer began before its work was done (a stream, a
    refusal). PASSED: it is a success. If that breaks, the call goes on and nothing is learned from it."""
    if not plausible(reading) or _tells_little(ledger, reading, now):
        return
    try:
        _learn(ledger, reading, charge, seq, sent_at, now, early=early, passed=passed)
    except Exception:
        _log.exception(phrase("log.broke_learning"))


def _learn(
    ledger: Ledger, reading: Reading, charge: Charge | None, seq: int, sent_at: float, now: float, *, early: bool,
    passed: bool,
) -> None:  # fmt: skip
    ledger.seen_at = now
    doubt_slices(ledger, now)
    _set_limit(ledger, reading.limit, now)
    if reading.remaining is None or ledger.limit is None:
        return
    if _stuck(ledger, reading.remaining, now, passed=passed):
        ledger.anchor = None
        return
    sample = _sample(ledger, reading, charge, seq, sent_at, now)
    _keep(ledger, sample)
    if not early and not ledger.admission_stamps and charge is not None:
        see_stamp(ledger, sample, charge)
    previous = ledger.anchor
    if previous is not None and seq <= previous.seq:
        _judge(ledger, now)
        return
    if previous is not None:
        if charge is not None:
            compare(ledger, previous, sample, charge)
        see_others(ledger, previous, sample)
    believed = ledger.server.now(now) if ledger.server is not None else None
    _anchor(ledger, sample, sent_at if early or ledger.admission_stamps else now)
    _judge(ledger, now)
    level_up(ledger, now)
    _doubt(ledger, sample, believed, now)


def _stuck(ledger: Ledger, remaining: float, now: float, *, passed: bool) -> bool:
    """True if what is said to be left is not believed: calls are let through one after another, each answer says that
    nothing is left, and our own cannot have used it up."""
    ledger.zeros = ledger.zeros + 1 if passed and remaining <= 0 else 0
    return ledger.zeros > ZEROS and ledger.log.window.total <= 0.5 * (ledger.limit or 0.0)


def _tells_little(ledger: Ledger, reading: Reading, now: float) -> bool:
    """True if READING says of a wide limit what another answer said a moment ago: that nearly all of it is left. Our
    own calls are counted meanwhile, whatever is said of them. (With a thousand calls a second, learning from each was a
    fifth of what a call costs; measured.)"""
    limit, remaining = ledger.limit, reading.remaining
    if limit is None or remaining is None or reading.limit != limit or not nearly_whole(ledger, now):
        return False
    return remaining >= (1.0 - HARDLY) * limit


def nearly_whole(ledger: Ledger, now: float) -> bool:
    """True if an answer has said a moment ago that nearly all of a wide limit is left."""
    limit, anchor, seen_at = ledger.limit, ledger.anchor, ledger.seen_at
    if limit is None or limit < WIDE or anchor is None or seen_at is None:
        return False
    return now - seen_at < min(ledger.period_s, ledger.minute_s) / OFTEN and anchor.remaining >= (1.0 - HARDLY) * limit


def _sample(ledger: Ledger, reading: Reading, charge: Charge | None, seq: int, sent_at: float, now: float) -> Sample:
    """READING with what we know of our own part in it."""
    least = most = 0.0
    if charge is not None:
        unsure = 0.0 if ledger.refunds else ledger.unused.between(sent_at - ledger.period_s, now)
        least, most = (
            max(0.0, charge.least - unsure),
            charge.most + ledger.log.beside(charge, ledger.guard_s),
        )
    limit, remaining = ledger.limit or 0.0, reading.remaining or 0.0
    counted = charge is None or not charge.gone
    return Sample(seq, sent_at, now, limit, remaining, reading.reset_s, least, most, counted)


def _doubt(ledger: Ledger, sample: Sample, believed: float | None, now: float) -> None:
    """Calls in flight together may reach the server in another order than we sent them: an answer that leaves more
    than we believed, by no more than those, does not raise the level of a bucket."""
    if believed is None or ledger.server is None:
        return
    level = ledger.server.now(now)
    beside = ledger.log.between(sample.sent_at - ledger.guard_s, sample.sent_at)
    if believed < level:
        ledger.server.give(max(believed, level - beside) - level)


def _set_limit(ledger: Ledger, limit: float | None, now: float) -> None:
    """A changed limit (another tier, another model behind the name) is taken at once."""
    if limit is None or limit == ledger.limit:
        return
    if ledger.limit is not None:
        ledger.samples.clear()
        ledger.foreign, ledger.other_rate, ledger.others_from = 0.0, 0.0, None
        ledger.anchor = None
    ledger.limit = limit
    ledger.source = "header"
    level_up(ledger, now)


def _keep(ledger: Ledger, sample: Sample) -> None:
    """Keep the last samples in order of sending."""
    samples = ledger.samples
    samples.append(sample)
    if len(samples) > 1 and samples[-2].seq > sample.seq:
        samples.sort(key=lambda s: s.seq)
    del samples[:-SAMPLES]


def _anchor(ledger: Ledger, sample: Sample, at: float) -> None:
    """Make SAMPLE what the ledger counts from."""
    full_at = at + sample.reset_s if sample.reset_s is not None else None
    anchor = Anchor(sample.seq, at, sample.remaining, full_at)
    anchor.refunded_after = ledger.unused.between(at, float("inf")) if ledger.refunds else 0.0
    anchor.sent_after = sum([charge.amount for charge in ledger.log.after_seq(sample.seq)], 0.0)
    edge = ledger.log.window.edge
    anchor.left_after = ledger.log.between(at - ledger.period_s + ledger.guard_s, edge)
    ledger.anchor = anchor


def _judge(ledger: Ledger, now: float) -> None:
    """Let the samples decide how the provider counts, if they can."""
    samples = ledger.samples
    if ledger.shape == "bucket" and not misfits_bucket(samples[-1], ledger.period_s):
        return
    if ledger.shape == "fixed" and _agrees_fixed(ledger, samples[-1]):
        _stamp_by_ends(ledger)
        return
    began = ledger.log.entries[0].at if ledger.log.entries else now
    unsaid = ledger.shape == "unknown" and ledger.dimension == "requests" and ledger.slices == 1
    if unsaid and refills_unsaid(samples, ledger.period_s, began):
        reshape(ledger, now, shape="bucket")
        return
    verdict = judge(samples, ledger.period_s, ledger.minute_s, known_period=ledger.known_period)
    if verdict is None:
        return
    if verdict.shape == "sliding" and ledger.shape == "fixed" and len(samples) < SAMPLES:
        return
    period = verdict.period_s if verdict.period_s != ledger.period_s else None
    reshape(ledger, now, shape=verdict.shape, period_s=period)
    if verdict.boundary is not None:
        set_boundary(ledger, verdict.boundary, now)


def set_boundary(ledger: Ledger, instant: float, now: float) -> None:
    """A window begins at INSTANT; step to the one that runs at NOW."""
    ledger.boundary = instant + (now - instant) // ledger.period_s * ledger.period_s


def _stamp_by_ends(ledger: Ledger) -> None:
    """All answers of fixed windows agree on their end, counted from the sending when stamped at admission, from the
    arrival otherwise. The instant of sending is the sharper one, so the boundary moves there."""
    named = [(s.sent_at + s.reset_s, s.answered_at + s.reset_s) for s in ledger.samples if s.reset_s is not None]
    if ledger.admission_stamps or ledger.boundary is None or len(named) < 4:
        return
    by_sending = [folded(sent - ledger.boundary, ledger.period_s) for sent, _ in named]
    by_arrival = [folded(came - ledger.boundary, ledger.period_s) for _, came in named]
    if max(by_arrival) - min(by_arrival) > max(0.02, 2 * (max(by_sending) - min(by_sending))):
        ledger.admission_stamps = True
        ledger.boundary += max(by_sending)


def _agrees_fixed(ledger: Ledger, sample: Sample) -> bool:
    """True if SAMPLE fits the known windows; it may move their start a little, to the safe side or back."""
    if sample.reset_s is None or ledger.boundary is None:
        return True
    period = ledger.period_s
    lower = sample.sent_at + sample.reset_s - ledger.boundary
    latest = sample.sent_at + ledger.guard_s if ledger.admission_stamps else sample.answered_at
    upper = latest + sample.reset_s - ledger.boundary
    lower, upper = folded(lower, period), folded(upper, period)
    tolerance = 0.06 * period + (1.0 if sample.reset_s >= 1 and float(sample.reset_s).is_integer() else 0.0)
    if lower > tolerance or (upper < -tolerance and not _all_end_by(ledger, latest + sample.reset_s, tolerance)):
        return False
    if lower > 0:
        ledger.boundary += lower
    elif upper < 0 and not float(sample.reset_s).is_integer():
        ledger.boundary += upper
    return True


def _all_end_by(ledger: Ledger, end: float, tolerance: float) -> bool:
    """True if the window of every sample may have ended by END: a late answer names the end only roughly, and a
    refusal, which comes at once, sharply."""
    ends = (s.sent_at + s.reset_s for s in ledger.samples if s.reset_s is not None)
    return all(folded(one - end, ledger.period_s) <= tolerance for one in ends)


def tell_shared(ledgers: Iterable[Ledger], ledger: Ledger, now: float) -> None:
    """A configured limit of the same kind, shared by several pools, is counted by the provider in the same way."""
    for other in ledgers:
        if (
            other is ledger
            or other.dimension != ledger.dimension
            or abs(other.period_s - ledger.period_s) > 0.01 * ledger.period_s
        ):
            continue
        if (other.shape, other.slices) != (ledger.shape, ledger.slices):
            reshape(other, now, shape=ledger.shape, slices=ledger.slices)
        other.boundary, other.slice_boundary = ledger.boundary, ledger.slice_boundary
        other.slice_blur_s, other.carries = ledger.slice_blur_s, ledger.carries
        other.heard_by = ledger if ledger.anchor is not None else other.heard_by
        if ledger.refunds and not other.refunds:
            other.give_back()
        other.refunds, other.scale = ledger.refunds, ledger.scale
        _raise(other, ledger, now)


def _raise(other: Ledger, ledger: Ledger, now: float) -> None:
    """The config's ledger of a bucket counts what we reserve. When the provider has counted far less, and only one pool
    takes from it, what the provider says is left counts: else so little is sent that nothing is found out."""
    if other.users > 1 or other.house is None or other.cap is None or ledger.server is None or ledger.limit is None:
        return
    left = other.cap - (ledger.limit - ledger.server.now(now))
    if other.house.now(now) < left - 0.25 * other.cap:
        other.house.level, other.house.at = left - 0.25 * other.cap, now
