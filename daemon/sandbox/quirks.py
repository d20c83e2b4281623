"""Rate limit headers that lie, in the ways that providers' do."""

from __future__ import annotations

from dataclasses import replace

from daemon.sandbox.meter import Standing
from daemon.sandbox.settings import Quirk


def shown(standings: tuple[Standing, ...], quirk: Quirk | None, slices: int) -> tuple[Standing, ...]:
    """Return what the headers tell instead of STANDINGS.

    `minus_one` and `per_slice` are both seen at Azure: -1 on its responses API, and requests per 10 s in place of
    requests per minute.
    """
    if quirk == "minus_one":
        return tuple(
            replace(s, limit=-1, remaining=-1, full_s=0.0) if s.dimension == "requests" else s for s in standings
        )
    if quirk == "per_slice":
        return tuple(_slice(s, slices) if s.dimension == "requests" and s.window == "minute" else s for s in standings)
    return standings


def _slice(standing: Standing, slices: int) -> Standing:
    limit = standing.slice_limit or standing.limit / slices
    left = standing.slice_remaining if standing.slice_remaining is not None else min(limit, standing.remaining)
    return replace(standing, limit=limit, remaining=left)
