"""The rows of the pacing benchmark in virtual time: its jobs, its bound, the sandbox's own limiters, no processes.

What takes twenty minutes with real daemons takes seconds here, so that each row can be run on several seeds.
"""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import replace
from typing import Any

import virtual_time
from world import Ended, Provider, World, origin

from benchmarks.race.bound import bound_s
from benchmarks.race.jobs import Job
from benchmarks.race.scenarios import Scenario
from daemon.errors import Refusal
from daemon.model import Ask, Call, Finding, Limit, Priority, Reading, Scope, Usage
from daemon.pacing import Permit, Setback
from daemon.redact import Sealed
from daemon.sandbox.meter import Cost, Meter
from daemon.sandbox.settings import SandboxSettings
from daemon.sandbox.trouble import Trouble

MINUTE_S, SERVICE_S = 6.0, 0.2
WAY_S = (0.003, 0.008)
PRIORITIES = {"interactive": Priority.INTERACTIVE, "normal": Priority.NORMAL, "batch": Priority.BATCH}


class Race(World):
    """One row on one shape. `run` it, then read `ratio`, `refused`, `lost` and `waits`."""

    def __init__(
        self, row: Scenario, shape: str, seed: int, *, silent: bool = False, streams: bool = False,
        produced: bool = False, way_s: tuple[float, float] = WAY_S,
    ) -> None:  # fmt: skip
        super().__init__(Provider({}), seed=seed)
        self.row = row
        self.settings_of_provider = SandboxSettings(
            requests_per_minute=row.size.requests, tokens_per_minute=row.size.tokens, minute_s=MINUTE_S,
            shape=shape, seed=seed, **{"service_s": SERVICE_S, **row.settings},  # type: ignore[arg-type]
        )  # fmt: skip
        self.work = row.mix(row.size, random.Random(seed))
        limits = (
            Limit("requests", row.size.requests, 60.0, "minute"),
            Limit("tokens", row.size.tokens, 60.0, "minute"),
        )
        more = {"provider": "anthropic"} if produced else {}
        self.where = origin(*limits, **more) if row.told else origin(**more)  # type: ignore[arg-type]
        self.phase = random.Random(7 * seed).uniform(0.02, 0.83)
        """Where in the provider's minute it begins; who knows nothing needs the first half second to find out."""
        self.refused = 0
        self.silent = silent
        """Calls do not say how long their answers may become."""
        self.streams = streams
        """Answers begin at once, and so their header fields come at once."""
        self.way_s = way_s
        self.produced = produced
        """Output is counted as it is produced, whatever max_tokens says; so Anthropic does it."""

    def go(self) -> Race:
        """Run it."""
        virtual_time.run(self._race())
        return self

    @property
    def ratio(self) -> float:
        """How many times the shortest possible time it took."""
        return self.makespan / self.bound

    @property
    def waits(self) -> list[float]:
        """How long interactive calls waited, in minutes."""
        mine = [e for e in self.ended if e.job.priority == "interactive"]  # type: ignore[attr-defined]
        return [(e.ended - e.arrived - SERVICE_S) / MINUTE_S for e in mine]

    async def _race(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep((self.phase * MINUTE_S - loop.time()) % MINUTE_S)
        self.start = loop.time()
        self.meter = Meter(self.settings_of_provider, self.start)
        self.bound = bound_s(self.work, self.settings_of_provider, self.start, refund=self.row.bound_refund,
                             produced=self.produced)  # fmt: skip
        self.pacer = self._new_pacer()
        await asyncio.gather(*(self._client(job) for job in self.work))
        await self.pacer.close()

    async def _client(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(job.at * MINUTE_S)
        call, arrived, back = self._call(job), loop.time(), None
        while True:
            try:
                permit = await self.pacer.acquire(call, back)
            except Refusal as error:
                self.ended.append(Ended(job, arrived, 0.0, loop.time(), 0, error))  # type: ignore[arg-type]
                return
            try:
                done, back = await self._send(job, permit)
            finally:
                permit.release()
            if done or back is None:
                error = None if done else RuntimeError("given up")
                self.ended.append(Ended(job, arrived, permit.sent_at, loop.time(), permit.attempt, error))  # type: ignore[arg-type]
                return

    def _call(self, job: Job) -> Call:
        """As intake makes it: weighed by what it says, not by what it costs."""
        most = None if self.silent else job.max_tokens
        ask = Ask("chat", "m", text=job.messages()[0]["content"], messages=1, max_output=most)
        return Call(
            job.name, self.where, Scope(self.where.host, "key:a", "m"), "POST", Sealed("/v1/chat/completions"), (), b"",
            ask, self.pacer.weigh(self.where, ask), job.client, None, PRIORITIES[job.priority], None,
        )  # fmt: skip

    async def _send(self, job: Job, permit: Permit) -> tuple[bool, Setback | None]:
        loop, most_out = asyncio.get_running_loop(), None if self.produced else float(job.max_tokens)
        cost = Cost(float(job.prompt_tokens), most_out)
        await asyncio.sleep(self.rng.uniform(*self.way_s))
        came = loop.time()
        trouble = self.meter.admit(cost, came)
        readings = self._readings(came)
        if trouble is not None:
            self.refused += 1
            await asyncio.sleep(self.rng.uniform(*self.way_s) / 2)
            return False, permit.refused(self._finding(trouble), readings)
        if self.streams:
            permit.answered(200, readings, streamed=True)
        await asyncio.sleep(self.settings_of_provider.service_s)
        if (status := self._fault()) is not None:
            self.meter.settle(cost, 0.0, came, loop.time())
            self.meter.leave()
            return False, permit.refused(Finding("overloaded", "capacity", "wait", "sure", status=status), readings)
        most = self.settings_of_provider.output_tokens
        output = job.max_tokens if most is None else min(job.max_tokens, most)
        self.meter.settle(cost, float(output), came, loop.time())
        self.meter.leave()
        if not self.streams:
            permit.answered(200, readings, streamed=False)
        permit.settle(Usage(job.prompt_tokens, output))
        return True, None

    def _fault(self) -> int | None:
        """A status of the row's faults, or None. What was let in before it failed has been counted."""
        draw = self.rng.random() if self.settings_of_provider.faults else 1.0
        for status, rate in self.settings_of_provider.faults.items():
            if draw < rate:
                return status
            draw -= rate
        return None

    def _readings(self, now: float) -> tuple[Reading, ...]:
        if not self.settings_of_provider.headers:
            return ()
        standing = [s for s in self.meter.standing(now) if s.window == "minute"]
        return tuple(
            Reading(s.dimension, s.limit, float(math.floor(s.remaining)), round(s.full_s, 3)) for s in standing
        )

    def _finding(self, trouble: Trouble) -> Finding:
        if self.settings_of_provider.bare_429:
            return Finding("unknown", "unknown", "unknown", status=429)
        facts: dict[str, Any] = {"limit": trouble.limit, "used": trouble.used, "requested": trouble.requested}
        return Finding(
            str(trouble.dimension), "rate", "wait", "sure", status=429, dimension=trouble.dimension,
            window=trouble.window, retry_after_s=trouble.wait_s, **facts,
        )  # fmt: skip


def with_settings(row: Scenario, **more: Any) -> Scenario:
    """The same row on a provider with other manners."""
    return replace(row, settings={**row.settings, **more})
