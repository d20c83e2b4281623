"""What others on the same key take of a limit, and what is left to them. Pure; `daemon.pacing.comparing` sees them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.pacing.ledger import Ledger

MOST = 0.9
"""Of a limit, whatever they seem to take."""
FRESH = 0.2
"""The part of a period for which an answer still says what others have taken."""


def crowded(ledger: Ledger, now: float) -> bool:
    """True if others use the key, or did so within ten periods: their next call may be the one that does not leave room
    for ours."""
    met = now - ledger.met_others_at < 10 * ledger.period_s
    return met or ledger.foreign > 0 or ledger.other_rate > 0.05 * ledger.rate


def stale(ledger: Ledger, now: float) -> bool:
    """True if others use the key and the provider has not been heard for a while: one call first, to look."""
    if ledger.foreign <= 0 or ledger.shape == "bucket" or ledger.seen_at is None:
        return False
    return now - ledger.seen_at > FRESH * ledger.period_s


def theirs(ledger: Ledger, now: float) -> float:
    """What is left to others, of the limit when nothing of ours counts."""
    if ledger.shape == "bucket":
        return spare(ledger)
    if ledger.foreign <= 0:
        return 0.0
    fixed = ledger.shape == "fixed" and ledger.boundary is not None
    if not fixed and ledger.anchor is not None and now - ledger.anchor.at <= FRESH * ledger.period_s:
        return 0.0  # the answer itself leaves it out
    return min(ledger.foreign, MOST * (ledger.cap or 0.0))


def spare(ledger: Ledger) -> float:
    """Return what to leave in a bucket that others use, so that they seldom come first by chance.

    Nothing is lost by it: a bucket refills at the same rate whatever it holds.
    """
    log, most = ledger.log, 0.1 * (ledger.limit or 0.0)
    if ledger.other_rate <= 0.06 * ledger.rate:  # so much may be the blur of what was in flight
        return min(ledger.caution, most)
    unit = 1.0 if ledger.dimension == "requests" else log.window.total / max(1, log.window.calls)
    chance = unit + 2.5 * math.sqrt(ledger.other_rate * unit * 0.1 * ledger.period_s)
    return min(ledger.caution + chance, most)
