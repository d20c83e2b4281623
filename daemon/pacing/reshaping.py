"""A ledger takes over a new idea of how the provider counts; what was charged stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.pacing.level import Level

if TYPE_CHECKING:
    from daemon.pacing.ledger import Anchor, Ledger
    from daemon.pacing.shapes import Shape


def reshape(
    ledger: Ledger, now: float, *, shape: Shape | None = None, period_s: float | None = None, slices: int | None = None
) -> None:
    """Take over a new idea of how the provider counts; charges stay."""
    if shape is not None and shape != ledger.shape:
        ledger.shape = shape
        if shape != "fixed":
            ledger.boundary = None
        ledger.server = ledger.house = None
    if slices is not None:
        ledger.slices = slices
        if slices == 1:
            ledger.slice_boundary = None
    if period_s is not None or slices is not None:
        if period_s is not None and period_s != ledger.period_s:
            ledger.period_s = period_s
            ledger.boundary = None
            ledger.server = ledger.house = None
        ledger.log.resize(ledger.period_s, ledger.slices, now, ledger.guard_s)
    level_up(ledger, now)


def level_up(ledger: Ledger, now: float) -> None:
    """Make the bucket's levels fit what is known; call after `limit`, `ceiling`, `shape` or the anchor changed."""
    cap = ledger.cap
    if ledger.shape != "bucket" or cap is None:
        ledger.server = ledger.house = None
        return
    if ledger.house is None or ledger.house.capacity != cap:
        level = (
            ledger.house.now(now) if ledger.house is not None else cap - ledger.log.between(now - ledger.period_s, now)
        )
        ledger.house = Level(cap, cap / ledger.period_s, min(cap, max(-cap, level)), now)
    if ledger.anchor is not None and ledger.limit is not None:
        ledger.server = _server_level(ledger, ledger.anchor, ledger.limit)
    elif ledger.limit is None:
        ledger.server = None


def _server_level(ledger: Ledger, a: Anchor, limit: float) -> Level:
    """The bucket as the anchor knows it, with our later charges taken at their times."""
    level = Level(limit, max(0.0, limit / ledger.period_s - ledger.other_rate), min(limit, a.remaining), a.at)
    for charge in ledger.log.after_seq(a.seq):
        level.take(charge.amount, max(a.at, charge.at))
    level.give(a.refunded_after)
    return level
