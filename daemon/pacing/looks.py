"""Calls that go beyond our own sum of a limit, one at a time, to look: what the answer shows is worth more than a
refusal costs. No clock.

Our own sum of the last period is safe however the provider counts, and so it is often too careful.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.pacing.waits import slice_wait_s

if TYPE_CHECKING:
    from daemon.pacing.ledger import Ledger

INFINITE = float("inf")
MOST_REFUND_LOOKS = 3


def look_in_s(ledger: Ledger, now: float) -> float:
    """Return the seconds until one call may go beyond our own sum; infinity when none may.

    A guess is to be tried; or a refusal has said when it would fit; or the provider has said when the limit would be
    whole again, and the answer then shows whether windows begin at fixed instants, which our own sum of a whole period
    cannot see.
    """
    look_at, a = min(ledger.look_at, ledger.told_at), ledger.anchor
    if a is None and ledger.heard_by is not None:
        a = ledger.heard_by.anchor
    unknown = ledger.shape == "unknown" and ledger.slices == 1
    if unknown and a is not None and a.full_at is not None and a.sent_after <= 0 and not a.looked:
        look_at = min(look_at, a.full_at + ledger.guard_s)
    if may_have_given_back(ledger, now) or (unknown and _said_to_have_room(ledger, now)):
        look_at = now
    look_s = max(0.0, look_at - now, ledger.hold_until - now)
    return min(look_s, max(0.0, ledger.ask_at - now)) if now < ledger.hold_until else look_s


def hold_long(ledger: Ledger, until: float, ask_s: float, now: float, seq: int) -> None:
    """Let nothing go before UNTIL, as the refusal of the attempt SEQ said. That may be much later than anybody waits,
    and need not be true: one call may look after ASK_S seconds, and again. What a look was told counts, be it less."""
    if seq == ledger.asked:
        ledger.hold_until = -INFINITE
    if until > ledger.hold_until:
        ledger.ask_s, ledger.ask_at = ask_s, now + ask_s
    ledger.hold(until)


def held_s(ledger: Ledger, cost: float, now: float) -> float:
    """Return the seconds for which the provider has said that it lets no call of COST through; 0 when one may look."""
    return max(0.0, ledger.hold_until - now) if cost > 0 and now < ledger.ask_at else 0.0


def _said_to_have_room(ledger: Ledger, now: float) -> bool:
    """The last answer leaves something beyond our own sum, and never says when the limit will be whole: it may be a
    bucket, and a call shows how it fills."""
    a = ledger.anchor
    if a is None or a.full_at is not None or ledger.dimension != "requests":
        return False
    return a.remaining - a.sent_after >= 1 and now - a.at < 0.2 * ledger.period_s


def looks_for_refunds(ledger: Ledger, cost: float, now: float) -> bool:
    """True if a call of COST that goes now shows whether unused reservations come back."""
    if not may_have_given_back(ledger, now):
        return False
    return ledger.avail(now) < cost or slice_wait_s(ledger, cost, ledger.cap or 0.0, now) > 0


def may_have_given_back(ledger: Ledger, now: float) -> bool:
    """Much was reserved and not used, and whether that comes back is not known yet: worth a call to see."""
    if ledger.refunds or ledger.refund_votes < 0 or ledger.refund_looks >= MOST_REFUND_LOOKS or not ledger.unused:
        return False
    cap = ledger.cap
    if cap is None:
        return False
    if ledger.slices > 1:
        length, boundary = ledger.period_s / ledger.slices, ledger.slice_boundary
        begun = now - length if boundary is None else now - (now - boundary) % length
        return ledger.log.unused_since(begun) > 0.3 * cap / ledger.slices
    begun = ledger.boundary if ledger.boundary is not None else now - ledger.period_s
    return ledger.shape != "bucket" and ledger.unused.between(begun, now) > 0.1 * cap


def passed_look(ledger: Ledger, seq: int) -> None:
    """The attempt SEQ was let through: if the limit was held for long, it is open. If it went beyond what a slice
    holds, something has come back."""
    if seq == ledger.asked:
        ledger.hold_until, ledger.told_at = -INFINITE, INFINITE
    if seq == ledger.refund_look and ledger.slices > 1 and not ledger.refunds:
        ledger.refund_votes = 2
        ledger.give_back()
