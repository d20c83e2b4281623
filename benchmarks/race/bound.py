"""The shortest time in which a provider could have let all jobs through: a greedy replay on the judge's own limiters.

Whatever fits goes, at once, without a network and without having to find anything out. Of several orders (as handed
over, largest first, smallest first) the shortest counts. To the last admission the service time of one call is added.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.race.jobs import Job
from daemon.sandbox.meter import Cost, Meter
from daemon.sandbox.settings import SandboxSettings

ORDERS = (lambda job: 0.0, lambda job: -float(job.tokens), lambda job: float(job.tokens))
_STEPS = 1_000_000


def bound_s(
    jobs: Sequence[Job], settings: SandboxSettings, start: float, *, refund: bool | None = None, produced: bool = False
) -> float:
    """Return the seconds from START (on the provider's clock) to the last answer.

    REFUND overrides whether unused max_tokens come back. PRODUCED: output is counted as it is produced (Anthropic).
    """
    judged = settings if refund is None else replace(settings, refund=refund)
    ends = (admissions(jobs, judged, start, order, produced=produced)[-1][0] for order in ORDERS)
    return min(ends) - start + settings.service_s


def admissions(
    jobs: Sequence[Job], settings: SandboxSettings, start: float, order: object = ORDERS[0], *, produced: bool = False
) -> list[tuple[float, Job]]:
    """Return when each job is let in by a greedy schedule, in order of time.

    Raises ValueError when a job can never be let in.
    """
    meter = Meter(settings, start)
    minute = settings.minute_s
    coming = sorted(jobs, key=lambda job: job.at)
    waiting: list[Job] = []
    ending: list[tuple[float, int, Job, float]] = []
    out: list[tuple[float, Job]] = []
    now = start
    for _ in range(_STEPS):
        while ending and ending[0][0] <= now:
            ended, _, job, admitted = heapq.heappop(ending)
            meter.settle(_cost(job, produced), float(_produced(job, settings)), admitted, ended)
            meter.leave()
        while coming and start + coming[0].at * minute <= now:
            waiting.append(coming.pop(0))
        waiting.sort(key=order)  # type: ignore[arg-type]
        waits, left, refused = [], [], set[int]()
        for job in waiting:
            if job.tokens in refused:
                left.append(job)
                continue
            trouble = meter.admit(_cost(job, produced), now)
            if trouble is None:
                out.append((now, job))
                heapq.heappush(ending, (now + settings.service_s, len(out), job, now))
            else:
                if trouble.kind != "concurrency" and trouble.wait_s is None:
                    raise ValueError(f"{job.name} with {job.tokens} tokens never fits: {trouble}")
                refused.add(job.tokens)
                left.append(job)
                if trouble.wait_s is not None:
                    waits.append(now + max(trouble.wait_s, 1e-6))
        waiting = left
        if not waiting and not coming:
            return out
        if ending:
            waits.append(ending[0][0])
        if coming:
            waits.append(start + coming[0].at * minute)
        now = max(now, min(waits))
    raise ValueError("the replay does not come to its end")


def _cost(job: Job, produced: bool) -> Cost:
    return Cost(float(job.prompt_tokens), None if produced else float(job.max_tokens))


def _produced(job: Job, settings: SandboxSettings) -> int:
    return min(job.max_tokens, settings.output_tokens if settings.output_tokens is not None else job.max_tokens)
