"""What `remaining` shows when it is held beside our own charges.

Others on the same key, whether unused reservations come back, whether the provider charges less than we do, and of
which instant its answers speak. Calls in flight together arrive in any order, so only what is beyond that blur counts.
"""

from __future__ import annotations

from daemon.pacing.blocks import Charge
from daemon.pacing.ledger import Anchor, Comparison, Ledger
from daemon.pacing.shapes import Sample

TELLING = 0.03
"""So much of a limit must have been reserved and not used to see whether it comes back."""


def see_others(ledger: Ledger, before: Anchor, sample: Sample) -> None:
    """Compare what is left with what our own charges explain: the rest, others on the key have used."""
    if ledger.limit is None:
        return
    ledger.slice_others *= 0.995
    if ledger.shape == "bucket":
        _see_rate(ledger, before, sample)
    elif ledger.shape in ("fixed", "sliding") and ledger.slices == 1:
        beyond = sample.used - sample.most
        ledger.others.append(max(0.0, min(beyond, sample.used - _ours(ledger, sample)) if beyond > 0 else 0.0))
        others = sorted(ledger.others)[len(ledger.others) // 2]  # one answer may be blurred by calls beside it
        unit = max(1.0, 0.02 * ledger.limit)
        ledger.foreign = max(others, 0.98 * ledger.foreign) if others > unit else 0.9 * ledger.foreign
        if ledger.foreign < 0.5:
            ledger.foreign = 0.0


def _see_rate(ledger: Ledger, before: Anchor, sample: Sample) -> None:
    """In a bucket, others are seen by how fast it empties, over spans that are long beside what is in flight."""
    base = ledger.others_from if ledger.others_from is not None else before
    seconds = sample.sent_at - base.at
    if ledger.limit is None or seconds < 0.02 * ledger.period_s:
        ledger.others_from = base
        return
    ledger.others_from = Anchor(sample.seq, sample.sent_at, sample.remaining, None)
    charges = (c for c in ledger.log.after_seq(base.seq) if c.seq <= sample.seq and not c.gone)
    own = sum(max(c.amount, c.reserved) for c in charges)
    back = ledger.unused.between(base.at, sample.sent_at) if ledger.refunds else 0.0
    level = min(ledger.limit, base.remaining + seconds * ledger.rate) - own + back
    used = min(ledger.rate, max(-ledger.rate, (level - sample.remaining - 1) / seconds))
    weight = min(0.5, seconds / (0.5 * ledger.period_s))
    ledger.other_rate = max(0.0, ledger.other_rate + weight * (used - ledger.other_rate))
    if ledger.other_rate < 0.01 * ledger.rate:
        ledger.other_rate = 0.0


def _ours(ledger: Ledger, sample: Sample) -> float:
    """What we had sent in the fixed window of SAMPLE, as it is known now: it may have been believed to begin later.
    And while it is not known of which instant answers speak, it may begin earlier, by as long as the answer took."""
    if ledger.shape != "fixed" or ledger.boundary is None:
        return 0.0
    begun = ledger.boundary + (sample.sent_at - ledger.boundary) // ledger.period_s * ledger.period_s
    unsure = 0.0 if ledger.admission_stamps else sample.answered_at - sample.sent_at
    return ledger.log.between(begun - unsure - ledger.guard_s, sample.sent_at + ledger.guard_s)


def see_stamp(ledger: Ledger, sample: Sample, charge: Charge) -> None:
    """Does `remaining` speak of the admission, or of the end? Told apart by what we sent while the call ran, in the
    first period, when nothing has flowed back but what a bucket refills; and later by what has left a window while it
    ran. Three answers must agree.
    """
    log = ledger.log
    first = log.entries[0].at
    if sample.sent_at - first > 0.9 * ledger.period_s:
        _see_stamp_by_exits(ledger, sample, charge)
        return
    meanwhile = log.between(sample.sent_at + ledger.guard_s, sample.answered_at - ledger.guard_s)
    if meanwhile < max(2.0, 0.02 * sample.limit):
        return
    refill = (sample.answered_at - first) * ledger.rate if ledger.shape == "bucket" else 0.0
    beyond = sample.used + refill - sample.most
    if 0.5 * meanwhile < beyond < 1.5 * meanwhile:
        ledger.stamp_votes = -3
    elif sample.used <= sample.most + 0.25 * meanwhile:
        ledger.stamp_votes += 1
    ledger.admission_stamps = ledger.stamp_votes >= 3


def _see_stamp_by_exits(ledger: Ledger, sample: Sample, charge: Charge) -> None:
    """More is said to be used than we have sent in the period before the answer came, and not more than in the one
    before it was sent: it speaks of the admission."""
    if ledger.shape == "bucket" or ledger.slices > 1:
        return
    before, guard = sample.answered_at - ledger.period_s, ledger.guard_s
    at_the_end = ledger.log.between(before - guard, sample.answered_at)
    unit = max(2.0, 0.02 * sample.limit)
    if at_the_end + unit < sample.used <= charge.most + unit:
        ledger.stamp_votes += 1
        ledger.admission_stamps = ledger.stamp_votes >= 3


def compare(ledger: Ledger, before: Anchor, sample: Sample, charge: Charge) -> None:
    """Hold what the provider has counted beside what we have: does it charge less, does what was not used come back?

    Calls in flight together reach the server in any order, so only what is beyond that blur counts. (A provider that
    charges more than we do looks like others on the key and is paced around; a refusal's "Requested" corrects it.)
    """
    if ledger.dimension == "requests" or ledger.limit is None:
        return
    c = _in_bucket(ledger, before, sample) if ledger.shape == "bucket" else _in_window(ledger, sample, charge)
    if c is None:
        return
    ledger.compared = c
    unused = ledger.unused.between(c.begun, sample.sent_at)
    if unused < TELLING * ledger.limit and not _tells_scale(ledger, c, unused):
        return
    beside = ledger.log.between(sample.sent_at - ledger.guard_s, sample.sent_at + ledger.guard_s) - charge.amount
    doubt = 0.0 if ledger.admission_stamps else ledger.unused.between(sample.sent_at, sample.answered_at)
    blur = c.blur + max(0.0, beside) + doubt
    _see_refunds(ledger, c, unused, blur)
    _see_scale(ledger, c, sample, unused, blur)


def _tells_scale(ledger: Ledger, c: Comparison, unused: float) -> bool:
    """True if enough was counted to see that less is charged than we reserve, and it cannot be what came back."""
    if ledger.shape == "unknown" or c.count < 8:  # a window that began unseen looks as if less were charged
        return False
    limit = ledger.limit or 0.0
    return c.ours >= 0.3 * limit and (ledger.refunds or ledger.refund_votes < 0 or unused <= 0.02 * limit)


def _in_window(ledger: Ledger, sample: Sample, charge: Charge) -> Comparison | None:
    """In a window, what is used can be read off directly."""
    fixed = ledger.shape == "fixed" and ledger.boundary is not None
    begun = ledger.boundary if fixed and ledger.boundary is not None else sample.sent_at - ledger.period_s
    if charge.at < begun:
        return None
    reserved = charge.most + (ledger.unused.between(begun, sample.sent_at) if ledger.refunds else 0.0)
    count = 8 if charge.most > 4 * charge.reserved else 1
    return Comparison(begun, reserved, sample.used, charge.most - charge.least if not fixed else 0.0, count)


def _in_bucket(ledger: Ledger, before: Anchor, sample: Sample) -> Comparison | None:
    """In a bucket, what was used is the fall of `remaining` over some calls in a row, and the refill meanwhile."""
    c = ledger.compared
    refill = (sample.sent_at - before.at) * ledger.rate
    if ledger.limit is None or not ledger.admission_stamps or before.remaining + refill > 0.98 * ledger.limit:
        ledger.compared = Comparison()
        return None
    if c.count == 0:
        c.begun = before.at
        c.blur = ledger.log.between(sample.sent_at - ledger.guard_s, sample.sent_at + ledger.guard_s)
    charges = [x for x in ledger.log.after_seq(before.seq) if x.seq <= sample.seq]
    c.ours += sum(x.reserved for x in charges if not x.gone)
    c.theirs += before.remaining + refill - sample.remaining
    c.count += len(charges)
    return c


def _see_refunds(ledger: Ledger, c: Comparison, unused: float, blur: float) -> None:
    """Two comparisons must say that it comes back; one that denies it counts against."""
    if ledger.limit is None or unused < max(1.5 * blur, TELLING * ledger.limit):
        return
    came = c.ours - c.theirs
    if ledger.shape == "unknown" and came > 1.5 * unused + blur:
        return  # a window that began unseen
    ledger.refund_votes = max(-2, min(4, ledger.refund_votes + (1 if came > 0.5 * unused else -1)))
    if ledger.refund_votes >= 2 and not ledger.refunds:
        ledger.give_back()
    elif ledger.refund_votes <= 0:
        ledger.refunds = False


def _see_scale(ledger: Ledger, c: Comparison, sample: Sample, unused: float, blur: float) -> None:
    """Less is charged than we reserve, and it is not what came back."""
    if not _tells_scale(ledger, c, unused):
        return
    ratio = (c.theirs + (unused if ledger.refunds else 0.0) + blur) / c.ours
    if 0.3 < ratio < 0.95 and c.begun >= ledger.scaled_at:
        ledger.scale = max(0.4, ledger.scale * (0.3 + 0.7 * ratio))
        ledger.scaled_at = sample.sent_at  # what was charged until now, was charged by the old scale
        ledger.compared = Comparison()
