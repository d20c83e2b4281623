"""What was learned about limits, kept over a restart: how the provider counts, and what was just used.

Each lesson carries its date. Limits themselves are believed for a day (the next answer states them anyhow), how the
provider counts for a month; an answer that contradicts a lesson unlearns it, as it would without a restart. What was
used in the last period comes along in a few lumps, so that a restart in the middle of a full window provokes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from daemon.model import Dimension, Memory, Reading
from daemon.pacing.blocks import Charge
from daemon.pacing.ledger import Ledger
from daemon.pacing.pool import Pool
from daemon.pacing.reshaping import reshape
from daemon.pacing.shapes import DAY_S, Shape

KIND = "pacing.lessons"
LUMPS = 32
"""So finely is what was used in the last period remembered."""
SHAPES = ("unknown", "bucket", "fixed", "sliding")
MONTH_S = 30 * DAY_S


class Lessons:
    """Writes lessons down now and then, and gives them to new pools."""

    def __init__(self, memory: Memory | None, wall: Callable[[], float]) -> None:
        self._memory = memory
        self._wall = wall
        self._tidied = False
        """Lessons that are too old have been forgotten."""

    def recall(self, pool: Pool, now: float) -> None:
        """Teach POOL, which is new, what was known of its limits."""
        pool.recalled = True
        if self._memory is None:
            return
        known = self._known(self._memory)
        for place, ledgers in self._places(pool).items():
            for key, text in known.items():
                if key.rsplit(" ", 2)[0] + " " == place and (lesson := parse(text)) is not None:
                    ledger = _ledger_of(pool, lesson) if ledgers is pool.own.ledgers else ledgers.get(_slot(lesson))
                    if ledger is not None and not ledger.log.entries:
                        apply(ledger, lesson, now, self._wall())

    def note(self, pool: Pool, now: float, *, at_once: bool = False) -> None:
        """Write down what is known of POOL's limits; not more often than a thirtieth of its minute."""
        if self._memory is None or (now < pool.noted_at + max(0.5, pool.origin.minute_s / 30.0) and not at_once):
            return
        pool.noted_at = now
        for place, ledgers in self._places(pool).items():
            for (dimension, stated), ledger in ledgers.items():
                if ledger.cap is not None:
                    lesson = lesson_of(ledger, stated, now, self._wall())
                    self._memory.remember(KIND, f"{place}{dimension} {stated or '-'}", json.dumps(lesson))

    @staticmethod
    def _places(pool: Pool) -> dict[str, dict[tuple[Dimension, float | None], Ledger]]:
        scope = pool.scope
        return {
            f"{scope.host} {scope.key} = {scope.group} ": pool.own.ledgers,
            f"{scope.host} {scope.key} * ": pool.shared.ledgers,
        }

    def _known(self, memory: Memory) -> Mapping[str, str]:
        """All lessons. Those that were too old at the start are forgotten then."""
        known = dict(memory.recall(KIND))
        if self._tidied:
            return known
        self._tidied = True
        for key, text in list(known.items()):
            lesson = parse(text)
            if lesson is None or self._wall() - lesson["at"] > MONTH_S:
                memory.forget(KIND, key)
                del known[key]
        return known


def lesson_of(ledger: Ledger, stated: float | None, now: float, wall: float) -> dict[str, Any]:
    """Return what is known of LEDGER, with instants as Unix times."""
    off = wall - now
    return {
        "at": wall, "dimension": ledger.dimension, "stated": stated, "minute": ledger.minute_s,
        "period": ledger.period_s, "limit": ledger.limit, "source": ledger.source,
        "ceiling": ledger.ceiling if ledger.source == "guess" else None, "shape": ledger.shape,
        "slices": ledger.slices, "sliced": max(0.0, ledger.sliced_at + off), "carries": ledger.carries,
        "slice_blur": ledger.slice_blur_s,
        "slice_boundary": None if ledger.slice_boundary is None else ledger.slice_boundary + off,
        "boundary": None if ledger.boundary is None else ledger.boundary + off, "scale": ledger.scale,
        "refunds": ledger.refunds, "stamps": ledger.admission_stamps,
        "spent": [[round(at + off, 3), round(amount, 3)] for at, amount in _lumps(ledger, now)],
    }  # fmt: skip


def apply(ledger: Ledger, lesson: dict[str, Any], now: float, wall: float) -> None:
    """Teach LEDGER what LESSON says. Another length of the minute makes it void."""
    if lesson["minute"] != ledger.minute_s:
        return
    off, age = now - wall, wall - lesson["at"]
    if age <= DAY_S:
        ledger.limit = lesson["limit"]
        if lesson["source"] == "guess" and ledger.source != "config":
            ledger.ceiling, ledger.source = lesson["ceiling"], "guess"
    for at, amount in lesson["spent"]:
        if at > wall - ledger.period_s * 2:
            ledger.log.add(Charge(0, min(at, wall) + off, amount, amount))
    ledger.scale, ledger.refunds, ledger.admission_stamps = lesson["scale"], lesson["refunds"], lesson["stamps"]
    ledger.refund_votes = 2 if ledger.refunds else 0
    period = None if ledger.known_period else lesson["period"]
    reshape(ledger, now, shape=lesson["shape"], period_s=period, slices=lesson["slices"])
    ledger.sliced_at = lesson["sliced"] + off
    if lesson["slice_boundary"] is not None and age < 100 * ledger.period_s:
        ledger.slice_boundary, ledger.slice_blur_s = lesson["slice_boundary"] + off, lesson["slice_blur"]
    ledger.carries = lesson["carries"]
    if lesson["boundary"] is not None and ledger.shape == "fixed":
        begun = lesson["boundary"] + off
        ledger.boundary = begun + max(0.0, now - begun) // ledger.period_s * ledger.period_s


def parse(text: str) -> dict[str, Any] | None:
    """Read a lesson; None when it is not a whole one."""
    try:
        kept = json.loads(text)
        lesson: dict[str, Any] = {name: float(kept[name]) for name in ("at", "minute", "period", "sliced", "scale")}
        for name in ("stated", "limit", "ceiling", "slice_boundary", "boundary"):
            lesson[name] = None if kept[name] is None else float(kept[name])
        lesson["slices"], lesson["dimension"] = int(kept["slices"]), str(kept["dimension"])
        lesson["shape"] = cast(Shape, str(kept["shape"]))
        lesson["source"] = str(kept["source"])
        lesson["refunds"], lesson["stamps"] = bool(kept["refunds"]), bool(kept["stamps"])
        lesson["carries"], lesson["slice_blur"] = bool(kept.get("carries")), float(kept.get("slice_blur", 0.0))
        lesson["spent"] = [(float(at), max(0.0, float(amount))) for at, amount in kept["spent"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    sane = lesson["period"] > 0 and 1 <= lesson["slices"] <= 60 and 0.3 <= lesson["scale"] <= 3
    return lesson if sane and lesson["shape"] in SHAPES else None


def _lumps(ledger: Ledger, now: float) -> list[tuple[float, float]]:
    """What was charged in the last period, in at most LUMPS parts, each dated by its last charge."""
    step, lumps = ledger.period_s / LUMPS, dict[int, tuple[float, float]]()
    for charge in ledger.log.after(now - ledger.period_s - ledger.guard_s):
        if charge.amount > 0:
            part = int((now - charge.at) / step)
            lumps[part] = (charge.at, lumps.get(part, (0.0, 0.0))[1] + charge.amount)
    return sorted(lumps.values())


def _slot(lesson: dict[str, Any]) -> tuple[Dimension, float | None]:
    return cast(Dimension, lesson["dimension"]), lesson["stated"]


def _ledger_of(pool: Pool, lesson: dict[str, Any]) -> Ledger | None:
    """The pool's own ledger that LESSON speaks of; made when it is new."""
    dimension, stated = _slot(lesson)
    if (dimension, stated) in pool.own.ledgers:
        return pool.own.ledgers[dimension, stated]
    nominal = stated if stated is None or stated >= DAY_S else stated / pool.unit
    return pool.ledger_for(Reading(dimension, period_s=nominal))
