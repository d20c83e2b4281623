"""Many calls a minute must not fill the memory: old charges that lie close together become one.

A sum over the last minute needs to know when charges leave it, and it does not matter whether that is a thousandth of
the minute later. The charge that stands for several has the instant of the last one: it leaves when that one does, so
never more is let go than by the single ones.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import groupby

from daemon.pacing.blocks import Charge

RECENT = 256
"""So many of the newest are left alone."""
PARTS, OLD_PARTS = 1024, 64
"""Into so many parts the period is cut: the present one, and the one before it, which only late answers ask for."""
YOUNG_S = 4.0
"""What is younger (and than a sixteenth of the period) is also asked for by how close it lies beside an answer, so it
is cut finer."""


def thinned(charges: Iterable[Charge], width_s: float, alone: Container[int]) -> list[Charge]:
    """Return CHARGES with those added up that have ended and lie in the same part of WIDTH_S; in order of time.

    What has a number in ALONE stays as it is, and nothing is added up across it.
    """

    def part(charge: Charge) -> float | tuple[int]:
        free = charge.ended and charge.seq not in alone
        return charge.at // width_s if free else (charge.place,)

    return [_sum_of(list(run)) for _, run in groupby(charges, part)]


def _sum_of(run: list[Charge]) -> Charge:
    """One charge for all of RUN."""
    if len(run) == 1:
        return run[0]
    amount, unused = sum([charge.amount for charge in run]), sum([charge.unused for charge in run])
    first, last = run[0], run[-1]
    return Charge(
        last.seq, last.at, amount, sum([charge.reserved for charge in run if not charge.gone]),
        amount - unused if unused else None, gone=all(charge.gone for charge in run), ended=True,
        calls=sum([charge.calls for charge in run]), span_s=last.at - first.at + first.span_s,
    )  # fmt: skip
