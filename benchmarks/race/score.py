"""What came of one run, from what the clients got and what the provider saw."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.race.entrant import Answer
from benchmarks.race.jobs import Job

CLEARS = ("rate", "bare", "concurrency", "slow-down", "rate-limit-exceeded", "")
"""Kinds of 429 that pacing is there to avoid."""
QUOTA = ("insufficient-quota",)
NET_S = 0.1
"""A call that was on its way when its client left may still arrive for so long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One job's story, on the monotonic clock."""

    job: Job
    handed_over: float
    ended: float
    answer: Answer


@dataclass
class Score:
    """The figures of one run. None: does not apply."""

    jobs: int
    lost: int
    refused: int
    """429s that the provider gave for sending too fast."""
    calls: int
    """Requests that the provider saw."""
    makespan_s: float
    bound_s: float | None
    labelled: int = 0
    """Calls that the provider cut after they were sent, and whose client was told so."""
    wait_p95: float | None = None
    """Of interactive calls, in minutes, without the service time."""
    small_end: float | None = None
    """Median end of the small client's calls as a part of the big one's."""
    twice: int = 0
    """Jobs that the provider completed more than once."""
    after_leaving: int | None = None
    after_quota: int | None = None
    """Calls that came after the first `insufficient_quota`, beyond those in flight then."""
    accepted: int = 0
    """Calls that the provider let in and counted, whatever became of them."""
    why: dict[str, int] = field(default_factory=dict)
    """What the lost jobs got."""

    @property
    def ratio(self) -> float | None:
        """How many times the shortest possible time it took."""
        return None if self.bound_s is None else self.makespan_s / self.bound_s

    def as_json(self) -> dict[str, Any]:
        """All figures."""
        ratio = self.ratio
        return {**self.__dict__, "ratio": None if ratio is None else round(ratio, 4)}


def score(
    outcomes: Sequence[Outcome], seen: Sequence[dict[str, Any]], start: float, *,
    bound_s: float | None, minute_s: float, service_s: float,
) -> Score:  # fmt: skip
    """Put the figures together. SEEN: as `Simulator.seen` tells it."""
    chats = [one for one in seen if one.get("body")]
    stayed = [o for o in outcomes if o.answer.why != "left"]
    failed = [o for o in stayed if not o.answer.ok]
    cut = [o for o in failed if o.answer.why in ("connection_lost", "truncated")]
    lost = [o for o in failed if o not in cut]
    ends = [o.ended for o in stayed if o.answer.ok]
    return Score(
        jobs=len(outcomes),
        lost=len(lost),
        refused=sum(1 for s in chats if s["status"] == 429 and s["trouble"] in CLEARS),
        calls=len(chats),
        makespan_s=max(ends, default=start) - start,
        bound_s=bound_s,
        labelled=len(cut),
        wait_p95=_waiting(stayed, minute_s, service_s),
        small_end=_small(stayed, start),
        twice=_twice(chats),
        after_leaving=_after_leaving(outcomes, chats),
        after_quota=_after_quota(chats),
        accepted=sum(1 for s in chats if s["admitted"] is not None),
        why=dict(Counter(f"{o.answer.status or ''} {o.answer.why}".strip() for o in lost)),
    )


def job_of(seen: dict[str, Any]) -> str:
    """The name of the job that a request was for."""
    try:
        return str(json.loads(seen["body"])["messages"][0]["content"]).split(" ", 1)[0]
    except (ValueError, KeyError, IndexError, TypeError):
        return "?"


def p95(values: Sequence[float]) -> float:
    """By nearest rank."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def _waiting(outcomes: Sequence[Outcome], minute_s: float, service_s: float) -> float | None:
    waits = [o.ended - o.handed_over - service_s for o in outcomes if o.job.priority == "interactive"]
    return max(0.0, p95(waits)) / minute_s if waits else None


def _small(outcomes: Sequence[Outcome], start: float) -> float | None:
    ends = {
        client: [o.ended - start for o in outcomes if o.job.client == client and o.answer.ok]
        for client in ("small", "big")
    }
    if not ends["small"] or not ends["big"]:
        return None
    return statistics.median(ends["small"]) / statistics.median(ends["big"])


def _twice(chats: Sequence[dict[str, Any]]) -> int:
    done = Counter(job_of(s) for s in chats if s["status"] == 200 and s["finished"])
    return sum(1 for count in done.values() if count > 1)


def _after_leaving(outcomes: Sequence[Outcome], chats: Sequence[dict[str, Any]]) -> int | None:
    left = {o.job.name: o.ended for o in outcomes if o.answer.why == "left"}
    if not left:
        return None
    return sum(1 for s in chats if s["arrived"] > left.get(job_of(s), math.inf) + NET_S)


def _after_quota(chats: Sequence[dict[str, Any]]) -> int | None:
    told = [s["ended"] for s in chats if s["trouble"] in QUOTA and s["ended"] is not None]
    if not told:
        return None
    first = min(told)
    in_flight = sum(1 for s in chats if s["arrived"] < first < (s["ended"] or math.inf))
    return max(0, sum(1 for s in chats if s["arrived"] > first) - in_flight)
