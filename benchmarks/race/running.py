"""One run: a fresh provider, a fresh entrant, all jobs handed over, the score."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.race.bound import bound_s
from benchmarks.race.entrant import Answer, Entrant, Track
from benchmarks.race.jobs import Job, Size
from benchmarks.race.processes import Folder, Simulator
from benchmarks.race.scenarios import Scenario
from benchmarks.race.score import Outcome, Score, score
from benchmarks.race.sluice import Sluice
from benchmarks.race.witness import Witness
from daemon.sandbox.settings import SandboxSettings

PHASES = (0.1, 0.4, 0.7)
"""Where in the provider's minute the rounds begin: windows on the clock are kind to late starters."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for all runs."""

    minute_s: float = 6.0
    service_s: float = 0.2
    aligned: bool = True
    seed: int = 1
    base_url: str | None = None
    """Another simulator (with or without /v1); None: our own, started for each run."""
    size: Size | None = None
    """Limits of the other simulator."""
    phases: tuple[float, ...] = PHASES
    """Empty: at once, which is fair where windows begin with the first call."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run leaves behind."""

    score: Score
    start: float
    settings: SandboxSettings
    jobs: tuple[Job, ...]
    seen: list[dict[str, Any]]


def provider_settings(row: Scenario, shape: str, setting: Setting, seed: int) -> SandboxSettings:
    """The simulated provider of a row."""
    size = setting.size or row.size
    return SandboxSettings(
        requests_per_minute=size.requests, tokens_per_minute=size.tokens, minute_s=setting.minute_s,
        shape=shape, aligned=setting.aligned, seed=seed,  # type: ignore[arg-type]
        **{"service_s": setting.service_s, **row.settings},
    )  # fmt: skip


async def run(row: Scenario, shape: str, entrant: Entrant, setting: Setting, round_: int = 0) -> Run:
    """Run ENTRANT on ROW once; ROUND_ chooses the seed and where in the provider's minute it begins."""
    seed = setting.seed + round_
    settings = provider_settings(row, shape, setting, seed)
    size = setting.size or row.size
    work = row.mix(size, random.Random(seed))
    with Folder() as folder:
        (folder / "provider").mkdir(mode=0o700)
        (folder / "entrant").mkdir(mode=0o700)
        base = setting.base_url
        provider = Simulator(settings, folder / "provider") if base is None else Witness(_root(base))
        await provider.start()
        try:
            told = tuple(limit.format(requests=size.requests, tokens=size.tokens) for limit in row.told)
            key = f"CANARY-{uuid.uuid4().hex}"
            track = Track(provider.url, key, size, setting.minute_s, folder / "entrant", told, row.upstream)
            await entrant.begin(track)
            try:
                start = _next_phase(setting, round_)
                bound = _bound(row, work, settings, start)  # takes a while, so before the race begins
                start = await _until(start, setting.minute_s)
                outcomes = await _race(row, entrant, work, setting, bound, provider)
                seen = await provider.seen()
            finally:
                await entrant.end()
        finally:
            await provider.stop()
    figures = score(
        outcomes, seen, start, bound_s=bound, minute_s=setting.minute_s, service_s=settings.service_s
    )  # fmt: skip
    return Run(figures, start, settings, tuple(work), seen)


def _root(base: str) -> str:
    return base.rstrip("/").removesuffix("/v1")


def _next_phase(setting: Setting, round_: int) -> float:
    """The next instant at the round's place in the provider's minute, at least half a second from now."""
    soon = time.monotonic() + 0.5
    if not setting.phases:
        return soon
    phase = setting.phases[round_ % len(setting.phases)] * setting.minute_s
    return soon + (phase - soon) % setting.minute_s


async def _until(instant: float, period_s: float) -> float:
    """Wait for INSTANT, or the same place in a later period; return it."""
    while instant < time.monotonic():
        instant += period_s
    await asyncio.sleep(instant - time.monotonic())
    return instant


def _bound(row: Scenario, work: Sequence[Job], settings: SandboxSettings, start: float) -> float | None:
    """The shortest possible time; None where not all jobs can or shall end."""
    if settings.quota_after is not None or settings.requests_per_day is not None:
        return None
    if any(job.leaves is not None for job in work):
        return None
    return bound_s(work, settings, start, refund=row.bound_refund)


async def _race(
    row: Scenario, entrant: Entrant, work: Sequence[Job], setting: Setting, bound: float | None, provider: Any
) -> list[Outcome]:
    """Hand all jobs over and gather what comes; whoever has none after three times the bound is late for good."""
    begun = time.monotonic()
    cap = 3 * bound + 2 * setting.minute_s if bound is not None else 6 * setting.minute_s
    event = asyncio.create_task(_event(row, entrant, work, provider)) if row.event else None
    tasks = [asyncio.create_task(_one(entrant, job, begun, setting.minute_s)) for job in work]
    _, late = await asyncio.wait(tasks, timeout=cap)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if event is not None:
        await event
    return [task.result() for task in tasks]


async def _one(entrant: Entrant, job: Job, begun: float, minute_s: float) -> Outcome:
    """One client with one job."""
    if job.at:
        await asyncio.sleep(begun + job.at * minute_s - time.monotonic())
    handed_over = time.monotonic()
    try:
        patience = None if job.leaves is None else job.leaves * minute_s
        answer = await asyncio.wait_for(entrant.send(job), patience)
    except TimeoutError:
        answer = Answer(False, None, "left")
    except asyncio.CancelledError:
        answer = Answer(False, None, "not done in time")
    return Outcome(job, handed_over, time.monotonic(), answer)


async def _event(row: Scenario, entrant: Entrant, work: Sequence[Job], provider: Any) -> None:
    """What happens in the middle."""
    if not isinstance(entrant, Sluice):
        return
    while await provider.accepted() < row.event_at * len(work):  # noqa: ASYNC110 - it is in another process
        await asyncio.sleep(0.02)
    await entrant.restart(kill=row.event == "kill")
