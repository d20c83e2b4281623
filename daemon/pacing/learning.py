"""What an answer teaches a ledger: the limit, what is left, how the provider counts, and what others use.

The newest fact wins by order of SENDING: a late answer is old news. An answer that is not streamed comes after the
whole service time, and some providers stamp `remaining` at the end: so what flows back is counted from its arrival,
until answers have shown that they speak of the instant of admission.
"""

from __future__ import annotations

from daemon.model import Reading
from daemon.pacing.charges import Charge
from daemon.pacing.ledger import Anchor, Ledger
from daemon.pacing.shapes import Sample, judge, misfits_bucket

SAMPLES = 12
MAX_LIMIT = 1e15
SLICES = (2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
"""Into how many parts a provider may cut its period."""


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
    ledger: Ledger, reading: Reading, *, charge: Charge | None, seq: int, sent_at: float, now: float, early: bool
) -> None:
    """Take over what the answer to attempt SEQ says. EARLY: the answer began before its work was done (a stream, a
    refusal)."""
    if not plausible(reading):
        return
    ledger.seen_at = now
    _set_limit(ledger, reading.limit, now)
    if reading.remaining is None or ledger.limit is None:
        return
    own = charge.standing if charge is not None else 0.0
    sample = Sample(seq, sent_at, now, ledger.limit, reading.remaining, reading.reset_s, own)
    _keep(ledger, sample)
    previous = ledger.anchor
    if previous is not None and seq <= previous.seq:
        _judge(ledger, now)
        return
    if previous is not None:
        _see_refunds(ledger, previous, sample)
        _see_others(ledger, previous, sample)
    _see_scale(ledger, previous, sample, charge)
    _anchor(ledger, sample, sent_at if early or ledger.admission_stamps else now)
    _judge(ledger, now)
    ledger.level_up(now)


def _set_limit(ledger: Ledger, limit: float | None, now: float) -> None:
    """A changed limit (another tier, another model behind the name) is taken at once."""
    if limit is None or limit == ledger.limit:
        return
    if ledger.limit is not None:
        ledger.samples.clear()
        ledger.foreign = ledger.other_rate = 0.0
        ledger.anchor = None
    ledger.limit = limit
    ledger.source = "header"
    ledger.version += 1
    ledger.level_up(now)


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
    anchor.sent_after = sum(charge.amount for charge in ledger.log.after_seq(sample.seq))
    edge = ledger.log.window.edge
    anchor.left_after = ledger.log.between(at - ledger.period_s + ledger.guard_s, edge)
    ledger.anchor = anchor


def _judge(ledger: Ledger, now: float) -> None:
    """Let the samples decide how the provider counts, if they can."""
    samples = ledger.samples
    if ledger.shape == "bucket" and not misfits_bucket(samples[-1], ledger.period_s):
        return
    if ledger.shape == "fixed" and _agrees_fixed(ledger, samples[-1]):
        return
    verdict = judge(samples, ledger.period_s, ledger.minute_s, known_period=ledger.known_period)
    if verdict is None:
        return
    if verdict.shape == "sliding" and ledger.shape == "fixed" and len(samples) < SAMPLES:
        return
    period = verdict.period_s if verdict.period_s != ledger.period_s else None
    ledger.reshape(now, shape=verdict.shape, period_s=period)
    if verdict.boundary is not None:
        set_boundary(ledger, verdict.boundary, now)


def set_boundary(ledger: Ledger, instant: float, now: float) -> None:
    """A window begins at INSTANT; step to the one that runs at NOW."""
    ledger.boundary = instant + (now - instant) // ledger.period_s * ledger.period_s


def _agrees_fixed(ledger: Ledger, sample: Sample) -> bool:
    """True if SAMPLE fits the known windows; it may move their start a little, to the safe side or back."""
    if sample.reset_s is None or ledger.boundary is None:
        return True
    period = ledger.period_s
    lower = sample.sent_at + sample.reset_s - ledger.boundary
    upper = sample.answered_at + sample.reset_s - ledger.boundary
    lower -= round(lower / period) * period
    upper -= round(upper / period) * period
    tolerance = 0.06 * period + (1.0 if sample.reset_s >= 1 and float(sample.reset_s).is_integer() else 0.0)
    if lower > tolerance or upper < -tolerance:
        return False
    if lower > 0:
        ledger.boundary += lower
    elif upper < 0 and not float(sample.reset_s).is_integer():
        ledger.boundary += upper
    return True


def _see_others(ledger: Ledger, before: Anchor, sample: Sample) -> None:
    """Compare what is left with what our own charges explain: the rest, others on the key have used."""
    if ledger.limit is None:
        return
    own = sum(c.amount for c in ledger.log.after_seq(before.seq) if c.seq <= sample.seq)
    if ledger.shape == "bucket":
        seconds = sample.sent_at - before.at
        if seconds < 0.02 * ledger.period_s:
            return
        level = min(ledger.limit, before.remaining + seconds * ledger.rate) - own + before.refunded_after
        used = min(ledger.rate, max(0.0, (level - sample.remaining - 1) / seconds))
        weight = min(0.5, seconds / (0.5 * ledger.period_s))
        ledger.other_rate += weight * (used - ledger.other_rate)
        if ledger.other_rate < 0.01 * ledger.rate:
            ledger.other_rate = 0.0
    elif ledger.shape in ("fixed", "sliding") and ledger.slices == 1:
        others = max(0.0, sample.used - sample.own)
        unit = max(1.0, 0.02 * ledger.limit)
        ledger.foreign = max(others, 0.98 * ledger.foreign) if others > unit else 0.9 * ledger.foreign
        if ledger.foreign < 0.5:
            ledger.foreign = 0.0


def _see_refunds(ledger: Ledger, before: Anchor, sample: Sample) -> None:
    """Did what was reserved and not used come back? Three answers must agree; one that disagrees counts against."""
    unused, ledger.unused = ledger.unused, 0.0
    if ledger.limit is None or unused < max(3.0, 0.02 * ledger.limit):
        return
    charges = [c for c in ledger.log.after_seq(before.seq) if c.seq <= sample.seq]
    expected = before.remaining - sum(c.reserved for c in charges if not c.gone)
    seconds = sample.sent_at - before.at
    if ledger.shape == "bucket":
        expected += max(0.0, seconds) * ledger.rate
    elif ledger.shape != "fixed" or ledger.boundary is None or before.at < ledger.boundary:
        return
    if expected + unused > ledger.limit:
        return
    came = sample.remaining - expected
    ledger.refund_votes = max(-3, min(6, ledger.refund_votes + (1 if abs(came - unused) < abs(came) else -1)))
    if ledger.refund_votes >= 3 and not ledger.refunds:
        ledger.give_back()
    elif ledger.refund_votes <= 0:
        ledger.refunds = False


def _see_scale(ledger: Ledger, before: Anchor | None, sample: Sample, charge: Charge | None) -> None:
    """Tokens: compare the fall of `remaining` over one call with what we charged for it."""
    if before is None or charge is None or not charge.amount or ledger.dimension == "requests":
        return
    between = [c for c in ledger.log.after_seq(before.seq) if c.seq <= sample.seq]
    if between != [charge]:
        return
    fall = before.remaining - sample.remaining
    if ledger.shape == "bucket":
        fall += max(0.0, sample.sent_at - before.at) * ledger.rate
    seen = fall / charge.amount * ledger.scale
    if 0.2 < seen < 5:
        ledger.scale += 0.2 * (min(2.5, max(0.4, seen)) - ledger.scale)


def learn_slices(ledger: Ledger, cost: float, hint_s: float | None, now: float) -> int | None:
    """A refusal although all fitted: the limit holds in shorter slices. Return into how many, if a usual number
    explains it.

    HINT_S, the provider's own "try again in", must not be longer than a slice, and tells where the next one begins.
    """
    cap = ledger.limit if ledger.limit is not None else ledger.cap
    if cap is None:
        return None
    for parts in SLICES:
        length = ledger.period_s / parts
        if parts <= ledger.slices or (hint_s is not None and hint_s > length * 1.02 + 0.005):
            continue
        if ledger.log.between(now - length, now) + cost > cap / parts * 1.0001:
            ledger.reshape(now, slices=parts)
            ledger.slice_boundary = now + hint_s if hint_s is not None else None
            return parts
    return None
