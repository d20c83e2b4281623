"""A provider and its users in virtual time: drives the real Pacer through thousands of calls without sleeping."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import virtual_time
from limiters import SHAPES

from daemon.errors import ShuttingDown
from daemon.model import Ask, Call, Estimate, Finding, Limit, Origin, Priority, Reading, Scope, Usage
from daemon.pacing import Pacer, PacingSettings, Setback
from daemon.redact import Sealed

MINUTE = 6.0


def origin(*limits: Limit, minute_s: float = MINUTE, **more: Any) -> Origin:
    return Origin(
        "api.test", "https://api.test", more.pop("provider", "openai-compatible"), tuple(limits), minute_s, **more
    )


def story(
    tell: Callable[[Pacer, Origin], Awaitable[None]],
    *limits: Limit,
    settings: PacingSettings | None = None,
    **more: Any,
) -> None:
    """TELL it of a pacer and an origin whose minute has sixty seconds, in virtual time."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(settings, clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        await tell(pacer, origin(*limits, minute_s=60.0, **more))
        await pacer.close()

    virtual_time.run(main())


def call(
    name: str, where: Origin, *, tokens: tuple[float, float] = (0, 0), client: str = "-",
    priority: Priority = Priority.NORMAL, deadline_s: float | None = None, model: str = "m", key: str = "key:a",
    ref: str | None = None,
) -> Call:  # fmt: skip
    estimate = Estimate(tokens[0], tokens[0], tokens[1])
    ask = Ask("chat", model, max_output=int(tokens[1]))
    return Call(
        name, where, Scope(where.host, key, model), "POST", Sealed("/v1/chat/completions"), (), b"", ask,
        estimate, client, ref, priority, deadline_s,
    )  # fmt: skip


@dataclass
class Job:
    call: Call
    real: tuple[int, int] = (0, 0)
    """What it really costs: input and output tokens."""
    at: float = 0.0
    """Seconds after the beginning."""


@dataclass
class Ended:
    job: Job
    arrived: float
    first_sent: float
    ended: float
    attempts: int
    error: Exception | None = None
    waited_s: float = 0.0
    """Until it was first sent, or its end, while the machine was awake."""


@dataclass
class Provider:
    """Admits by its limiters, all or none; refuses with headers, a hint, or nothing."""

    limiters: dict[str, Any]
    headers: bool = True
    hints: bool = True
    facts: bool = True
    """The refusal names the dimension."""
    stamp: str = "admission"
    refunds: bool = False
    latency_s: tuple[float, float] = (0.002, 0.02)
    service_s: tuple[float, float] = (0.15, 0.25)
    streamed: bool = False
    counts_refused: bool = False
    period_stated: bool = False
    faults: float = 0.0
    resets: bool = True
    """Headers say when the limit will be whole again."""
    whole_seconds: bool = False
    """Waits are named in whole seconds, rounded up."""
    refused: int = 0
    accepted: int = 0
    arrivals: list[tuple[float, bool]] = field(default_factory=list)

    def admit(self, costs: dict[str, float], now: float) -> float:
        """Return 0 when admitted, else the hint."""
        wait = max((lim.wait_s(costs.get(d, 0.0), now) for d, lim in self.limiters.items()), default=0.0)
        if wait <= 0 or self.counts_refused:
            for d, lim in self.limiters.items():
                if wait <= 0 or d == "requests":
                    lim.take(costs.get(d, 0.0), now)
        self.arrivals.append((now, wait <= 0))
        self.refused += wait > 0
        self.accepted += wait <= 0
        return max(0.0, float(math.ceil(wait)) if self.whole_seconds else wait)

    def worst(self, costs: dict[str, float], now: float) -> str:
        return max(self.limiters, key=lambda d: self.limiters[d].wait_s(costs.get(d, 0.0), now))

    def readings(self, now: float) -> tuple[Reading, ...]:
        if not self.headers:
            return ()
        return tuple(self._reading(d, lim, now) for d, lim in self.limiters.items())

    def _reading(self, dimension: Any, lim: Any, now: float) -> Reading:
        limit = lim.slice.limit if getattr(lim, "headers", "") == "slice" else lim.limit
        period = 60.0 if self.period_stated else None
        reset = round(lim.reset_s(now), 3) if self.resets else None
        return Reading(dimension, limit, lim.remaining(now), reset, period)


@dataclass(frozen=True)
class Upset:
    """What happens to the machine's clocks."""

    at: float
    """Seconds after the beginning, on the clock of timers."""
    sleep_s: float = 0.0
    """The machine is suspended for so long: timers stand still, as CLOCK_MONOTONIC does, the world goes on."""
    set_s: float = 0.0
    """Somebody sets the wall clock ahead by so much, or back."""


class World:
    """Runs jobs against a provider through a pacer.

    There are three clocks. The provider lives in real time. Timers stand still while the machine sleeps. The pacer's
    own is the real one where the system has one that counts sleep (Linux: CLOCK_BOOTTIME), else that of the timers. The
    wall clock is the real one as far as nobody sets it.
    """

    def __init__(
        self, provider: Provider, *, seed: int = 1, settings: PacingSettings | None = None, memory: Any = None,
        foreign: float = 0.0, minute_s: float = MINUTE, restart_s: float | None = None, upsets: Sequence[Upset] = (),
        counts_sleep: bool = True,
    ) -> None:  # fmt: skip
        self.provider = provider
        self.rng = random.Random(seed)
        self.settings = settings or PacingSettings()
        self.memory = memory
        self.foreign = foreign
        self.minute_s = minute_s
        self.restart_s = restart_s
        """Then the pacer is closed and another one made, with the same memory; who waits asks again."""
        self.upsets = upsets
        self.counts_sleep = counts_sleep
        self.slept_s = 0.0
        self.set_s = 0.0
        self.awake_s = 0.0
        """How long all of it took on the clock of timers."""
        self.least_wait_s = 0.0
        """Of all that the pacer said or asked a timer for; below zero would be wrong."""
        self.ended: list[Ended] = []
        self.pacer: Pacer

    def run(self, jobs: list[Job]) -> World:
        self.least_wait_s = min(self.least_wait_s, virtual_time.run(self._main(jobs)))
        return self

    def real(self) -> float:
        """The time that passes everywhere, in seconds."""
        return asyncio.get_running_loop().time() + self.slept_s

    def clock(self) -> float:
        """The pacer's clock."""
        return self.real() if self.counts_sleep else asyncio.get_running_loop().time()

    def wall(self) -> float:
        """The wall clock."""
        return 1.7e9 + self.real() + self.set_s

    async def _main(self, jobs: list[Job]) -> float:
        """Let all JOBS end; return the least delay that any timer was asked for."""
        loop = asyncio.get_running_loop()
        self.start = self.real()
        began = loop.time()
        self.pacer = self._new_pacer()
        nature = asyncio.create_task(self._nature()) if self.upsets else None
        others = asyncio.create_task(self._others()) if self.foreign else None
        restart = asyncio.create_task(self._restart()) if self.restart_s is not None else None
        await asyncio.gather(*(self._job(job) for job in jobs))
        if restart is not None:
            restart.cancel()
        if others is not None:
            others.cancel()
        if nature is not None:
            nature.cancel()
        self.awake_s = loop.time() - began
        await self.pacer.close()
        return loop.least_delay_s if isinstance(loop, virtual_time.VirtualLoop) else 0.0

    async def _nature(self) -> None:
        """The machine sleeps, and its wall clock is set. What the pacer says just after that is looked at."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for upset in sorted(self.upsets, key=lambda upset: upset.at):
            await asyncio.sleep(began + upset.at - loop.time())
            self.slept_s += upset.sleep_s
            self.set_s += upset.set_s
            self._look()

    def _look(self) -> None:
        """How long do those who wait have to wait, as the pacer tells it?"""
        wall = self.wall()
        etas = [row[name] for row in self.pacer.queue() for name in ("eta_at", "eta_low_at", "eta_high_at")]
        self.least_wait_s = min([self.least_wait_s, *[eta - wall for eta in etas if eta is not None]])

    def _new_pacer(self) -> Pacer:
        return Pacer(
            self.settings,
            clock=self.clock,
            wall=self.wall,
            counts_sleep=self.counts_sleep,
            memory=self.memory,
            rng=random.Random(self.rng.random()),
        )

    async def _restart(self) -> None:
        await asyncio.sleep(self.restart_s or 0.0)
        old, self.pacer = self.pacer, self._new_pacer()
        await old.close()

    async def _others(self) -> None:
        """Another user takes its part of the request limit, at irregular times."""
        lim = self.provider.limiters["requests"]
        while True:
            await asyncio.sleep(self.rng.expovariate(self.foreign * lim.limit / self.minute_s))
            if lim.wait_s(1.0, self.real()) <= 0:
                lim.take(1.0, self.real())

    async def _job(self, job: Job) -> None:
        if job.at:
            await asyncio.sleep(job.at)
        loop = asyncio.get_running_loop()
        came, waited = loop.time(), 0.0
        arrived, first, setback, attempts = self.real(), 0.0, None, 0
        error: Exception | None = None
        said = self.pacer.will_wait(job.call)
        self.least_wait_s = min(self.least_wait_s, (said and said["wait_s"]) or 0.0)
        while True:
            try:
                permit = await self.pacer.acquire(job.call, setback)
            except ShuttingDown:
                setback = None
                continue
            except Exception as exc:
                error = exc
                break
            attempts += 1
            waited = waited if first else loop.time() - came
            first = first or self.real()
            self.least_wait_s = min(self.least_wait_s, permit.waited_s)
            try:
                done, setback = await self._attempt(job, permit)
            finally:
                permit.release()
            if done:
                break
            if setback is None:
                error = RuntimeError("given up")
                break
        self.ended.append(
            Ended(job, arrived, first, self.real(), attempts, error, waited if first else loop.time() - came)
        )

    async def _attempt(self, job: Job, permit: Any) -> tuple[bool, Setback | None]:
        p = self.provider
        await asyncio.sleep(self.rng.uniform(*p.latency_s))
        at = self.real()
        costs = {"requests": 1.0, "tokens": job.call.estimate.total}
        if p.faults and self.rng.random() < p.faults:
            await asyncio.sleep(0.003)
            finding = Finding("overloaded", "capacity", "wait", "sure", status=503)
            return False, permit.refused(finding, p.readings(at))
        hint = p.admit(costs, at)
        stamped = p.readings(at)
        if hint > 0:
            worst = p.worst(costs, at)
            await asyncio.sleep(self.rng.uniform(*p.latency_s) / 2)
            return False, permit.refused(self._refusal(worst, hint), stamped)
        service = self.rng.uniform(*p.service_s)
        if p.streamed:
            permit.answered(200, stamped, streamed=True)
            await asyncio.sleep(service)
        else:
            await asyncio.sleep(service)
            permit.answered(200, p.readings(self.real()) if p.stamp == "end" else stamped, streamed=False)
        if p.refunds and "tokens" in p.limiters:
            p.limiters["tokens"].give(costs["tokens"] - sum(job.real), self.real(), at)
        permit.settle(Usage(*job.real) if sum(job.real) else None)
        return True, None

    def _refusal(self, worst: Any, hint: float) -> Finding:
        p = self.provider
        if not p.facts and not p.hints:
            return Finding("unknown", "unknown", "unknown", status=429)
        return Finding(
            worst if p.facts else "rate_unspecified", "rate", "wait", "sure", status=429,
            dimension=worst if p.facts else None, window="minute" if p.facts else None,
            retry_after_s=hint if p.hints else None,
        )  # fmt: skip

    # What came out

    @property
    def makespan(self) -> float:
        return max(e.ended for e in self.ended) - self.start

    @property
    def lost(self) -> list[Ended]:
        return [e for e in self.ended if e.error is not None]


def limiter(shape: str, limit: float, period_s: float = MINUTE, **more: Any) -> Any:
    return SHAPES[shape](limit, period_s, **more)


def bound(
    shape: str, limit: float, total: float, start: float, period_s: float = MINUTE, phase_s: float = 0.0, parts: int = 6
) -> float:
    """The shortest possible time to let TOTAL through, all handed over at START (virtual time)."""
    if total <= limit and shape != "slices":
        return 0.0
    if shape == "bucket":
        return (total - limit) * period_s / limit
    if shape == "sliding":
        return int((total - 1e-9) // limit) * period_s
    if shape == "slices":
        limit, period_s = float(int(limit / parts)), period_s / parts
    left = period_s - (start + phase_s) % period_s
    return left + (int((total - 1e-9) // limit) - 1) * period_s if total > limit else 0.0
