"""How long until a limit lets something through: one answer for each way of counting. Pure arithmetic."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from daemon.pacing.others import spare
from daemon.pacing.slices import overhang

if TYPE_CHECKING:
    from daemon.pacing.ledger import Ledger


def slice_wait_s(ledger: Ledger, cost: float, cap: float, now: float, kept: float = 0.0) -> float:
    """Seconds until COST fits into a slice of the limit. KEPT is left for others at its beginning, and nothing at its
    end."""
    if ledger.slices <= 1 or ledger.log.slices is None:
        return 0.0
    length = ledger.period_s / ledger.slices
    others = ledger.slice_others
    if others >= 1:
        expected = ledger.other_rate * length
        others = min(max(others, expected + 1.5 * expected**0.5), 0.6 * cap / ledger.slices)
    allowed = max(cap / ledger.slices - (others if others >= 1 else 0.0), cost)
    if ledger.slice_boundary is not None:
        begun = ledger.slice_boundary + (now - ledger.slice_boundary) // length * length
        carried = overhang(ledger, now) if ledger.carries else 0.0
        spare = allowed - ledger.log.since_mark(ledger.log.slice_mark, begun) - carried - cost
        if spare >= -1e-9:
            if begun + length - now <= 0.3 * ledger.guard_s:
                return begun + length + ledger.guard_s / 5 - now
            opens = begun + (length - 2 * ledger.guard_s) * max(0.0, 1.0 - spare / kept) if kept > 0 else now
            return max(0.0, opens - now)
        ahead = max(1.0, ceil((carried - max(0.0, allowed - cost)) / (cap / ledger.slices) - 1e-9))
        return begun + ahead * length + ledger.guard_s / 5 - now
    if ledger.log.slices.total + cost <= allowed + 1e-9:
        return 0.0
    lack = ledger.log.slices.total + cost - allowed
    return max(0.0, ledger.log.exit_of(lack, ledger.log.slices, ledger.guard_s) - now)


def edge_wait_s(ledger: Ledger, now: float) -> float:
    """Just before a fixed window ends, a call may be counted on either side: hold it back. (`Ledger.spent` counts it in
    the next.)"""
    if ledger.shape != "fixed" or ledger.boundary is None:
        return 0.0
    left = ledger.boundary + ledger.period_s - now
    return left + ledger.guard_s / 2 if left < ledger.guard_s else 0.0


def refill_wait_s(ledger: Ledger, need: float, cap: float, now: float) -> float:
    """Seconds until NEED is there, from what flows back. Never 0."""
    if ledger.shape == "bucket":
        spared = ledger.limit - ledger.limit * ledger.share if ledger.limit is not None else 0.0
        waits = [0.0]
        if ledger.server is not None:
            waits.append(ledger.server.wait_s(need + spared + spare(ledger), now - ledger.guard_s))
        if ledger.house_left(cap, now) < need and ledger.house is not None:
            waits.append(ledger.house.wait_s(need, now))
        return max(1e-3, min(max(waits), 2 * ledger.period_s))
    if ledger.shape == "fixed" and ledger.boundary is not None:
        return max(1e-3, ledger.boundary + ledger.period_s + ledger.guard_s / 2 - now)
    own = anchored = 0.0
    lack = need - ledger.own(cap, now)
    if lack > 0:
        own = ledger.log.exit_of(lack, ledger.log.window, ledger.guard_s) - now
    if ledger.anchored(now) < need and ledger.anchor is not None:
        anchored = ledger.void_at(ledger.anchor) - now
        exit_s = ledger.log.exit_of(need - ledger.anchored(now), ledger.log.window, ledger.guard_s) - now
        anchored = min(anchored, exit_s)
    return max(1e-3, min(max(own, anchored), ledger.period_s + ledger.guard_s))
