"""Limits that hold in short slices of their period: found out by a refusal although all fitted. No clock.

OpenAI's and Azure's documents say that a minute may be enforced so. Headers then speak of the whole minute, and only
refusals show the slices; or they speak of a slice alone, and then it is a short fixed window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.pacing.reshaping import reshape
from daemon.pacing.shapes import DAY_S, folded

if TYPE_CHECKING:
    from daemon.pacing.ledger import Ledger

SLICES = (2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
"""Into how many parts a provider may cut its period."""


def learn_slices(
    ledger: Ledger, cost: float, hint_s: float | None, now: float, sent_at: float | None = None, *, surely: bool = False
) -> int | None:
    """A refusal although all fitted: the limit holds in shorter slices. Return into how many, if a usual number
    explains it.

    HINT_S, the provider's own "try again in", must not be longer than a slice, and tells where the next one begins:
    seen from SENT_AT, since what was counted is known by when it was sent. The number that explains best is the one
    whose slice was overrun by least, as what it holds was let through and no more. SURELY: the refusal itself says that
    the whole has room, so a slice that we have not filled was filled by others.
    """
    cap = ledger.limit if ledger.limit is not None else ledger.cap
    if cap is None:
        return None
    seen = now if sent_at is None else sent_at
    if hint_s is not None and hint_s >= 1 and float(hint_s).is_integer() and hint_s > 0.02 * ledger.period_s:
        return _by_length(ledger, cost, hint_s - 1.0, cap, seen, now)
    if _others_in_slice(ledger, cost, cap, hint_s, seen, now):
        return ledger.slices
    best: tuple[float, int] | None = None
    for parts in (ledger.slices, *SLICES) if ledger.slices > 1 else SLICES:
        length = ledger.period_s / parts
        if not _may_be(ledger, length, hint_s, seen, now):
            continue
        begun = seen + (hint_s if hint_s is not None else 0.0) - length
        least = ledger.log.between(begun - 1e-3 * length, seen) - cap / parts
        most = least + ledger.log.between(seen, min(now, seen + 0.4 * ledger.guard_s))  # these may have come before it
        misfit = max(least, -most, 0.0)
        theirs = 0.0 if not surely else 0.5 * cap / parts
        if most + cost + theirs > 1e-4 * cap / parts and (best is None or misfit < best[0]):
            best = (misfit, parts)
    if best is None:
        return None
    same = best[1] == ledger.slices
    _cut(ledger, best[1], now)
    _place(ledger, hint_s, seen, now, same=same)
    return best[1]


def _place(ledger: Ledger, hint_s: float | None, seen: float, now: float, *, same: bool) -> None:
    """Note when slices begin. The refusal was made on its way, so that is known within the time it took: the shortest
    way tells most."""
    if hint_s is None:
        ledger.slice_boundary = None
    elif not same or ledger.slice_boundary is None or now - seen <= ledger.slice_blur_s:
        ledger.slice_boundary, ledger.slice_blur_s = now + hint_s, now - seen


def _by_length(ledger: Ledger, cost: float, least_s: float, cap: float, seen: float, now: float) -> int | None:
    """The same for a wait in whole seconds, rounded up, which does not tell when a slice begins: only how long they are
    at least. That is enough: what is let go in any stretch of that length stays below what a slice holds."""
    misfits: list[tuple[float, int]] = []
    for parts in (ledger.slices, *SLICES) if ledger.slices > 1 else SLICES:
        length = ledger.period_s / parts
        over = ledger.log.between(seen - length, seen) - cap / parts
        if length >= least_s and over + cost > 1e-4 * cap / parts:
            misfits.append((max(0.0, over), parts))
    if not misfits:
        return None
    parts = min(misfits)[1]
    _cut(ledger, parts, now)
    ledger.slice_boundary = None
    return parts


def _cut(ledger: Ledger, parts: int, now: float) -> None:
    """Take over that the period is cut into PARTS."""
    if parts != ledger.slices:
        if ledger.slices > 1:  # what seemed to have come back was only another part of the minute
            ledger.refunds, ledger.refund_votes = False, min(0, ledger.refund_votes)
        reshape(ledger, now, slices=parts)
        ledger.sliced_at = now


def doubt_slices(ledger: Ledger, now: float) -> None:
    """After a day without a refusal, slices are believed to be as long as the next usual number says; a refusal brings
    them back."""
    if ledger.slices > 1 and now - ledger.sliced_at > DAY_S:
        fewer = max((parts for parts in SLICES if parts < ledger.slices), default=1)
        reshape(ledger, now, slices=fewer)
        ledger.slice_boundary, ledger.sliced_at = None, now


def _others_in_slice(ledger: Ledger, cost: float, cap: float, hint_s: float | None, seen: float, now: float) -> bool:
    """True if the slices are as we know them, and the refusal came because others had a part of this one: more than
    COST, which was refused, would have left of it."""
    if ledger.slices <= 1 or hint_s is None or ledger.slice_boundary is None or seen <= ledger.sliced_at:
        return False
    length = ledger.period_s / ledger.slices
    if not _may_be(ledger, length, hint_s, seen, now):
        return False
    own = ledger.log.between(seen + hint_s - length, seen + 0.4 * ledger.guard_s)
    others = cap / ledger.slices - own
    if others < 0.5:
        return False
    least = others - cost + 1.0
    clear = least > 0.15 * cap / ledger.slices and others > 1
    ledger.slice_others = max(least if clear else 0.0, ledger.slice_others + 0.6)  # the way there blurs a little
    return True


def _may_be(ledger: Ledger, length: float, hint_s: float | None, seen: float, now: float) -> bool:
    """True if slices of LENGTH agree with when the next one was said to begin, this time and the time before."""
    if hint_s is None:
        return True
    blur = 0.02 * length + 0.6 * ledger.guard_s
    if hint_s > length + 0.1 * ledger.guard_s + 0.02 * length:
        return False
    if ledger.slice_boundary is None:
        return True
    off = folded(now + hint_s - ledger.slice_boundary, length)
    return -ledger.slice_blur_s - blur <= off <= now - seen + blur


def overhang(ledger: Ledger, at: float) -> float:
    """Return how much of the slice at AT the last charge above a slice would fill, if the rest of it counts in the
    next ones."""
    big, cap = ledger.big, ledger.cap
    if big is None or big.gone or cap is None or ledger.slices <= 1 or ledger.slice_boundary is None:
        return 0.0
    length = ledger.period_s / ledger.slices
    passed = (at - ledger.slice_boundary) // length - (big.at - ledger.slice_boundary) // length
    return max(0.0, big.amount - passed * cap / ledger.slices) if passed >= 1 else 0.0
