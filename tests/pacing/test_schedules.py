"""The whole pacer on random schedules: any shape, limits told or not, faults, others on the key, people who leave, a
restart in the middle, sleeps of the machine and clocks that are set. Each failure names its seed.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from kept import Kept
from limiters import SHAPES
from world import MINUTE, Job, Provider, Upset, World, call, origin

from daemon.model import Limit, Priority

COUNT = int(os.environ.get("SLUICE_SCHEDULES", "2000"))
"""How many schedules; each takes about ten milliseconds."""
BATCHES = 12


class Crowd(World):
    """Some clients leave while they wait."""

    leaving: dict[str, float]

    async def _job(self, job: Job) -> None:
        leaves = self.leaving.get(job.call.id)
        if leaves is None:
            await super()._job(job)
            return
        task = asyncio.create_task(super()._job(job))
        await asyncio.wait([task], timeout=job.at + leaves)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


YEAR_S = 365 * 86_400.0
DAYS_S = 11 * 86_400.0
"""How far apart the parts of the work are at most: so that a run is 100 hours long in the middle."""


def upsets(rng: random.Random, long: float) -> list[Upset]:
    """The machine sleeps for seconds or days, and its clock is set by seconds, hours or up to a year, ahead and back;
    most of it while calls wait, some of it within the LONG time between."""
    some = []
    for _ in range(rng.choice([0, 1, 2, 4])):
        at = rng.choice([rng.uniform(0, 12), rng.uniform(0, long + 12), long + rng.uniform(0, 12)])
        if rng.random() < 0.5:
            some.append(
                Upset(at, sleep_s=rng.choice([rng.uniform(0, 10), rng.uniform(10, 7200), rng.uniform(0, 259_200)]))
            )
        else:
            by = rng.choice([rng.uniform(0, 60), rng.uniform(60, 86_400), rng.uniform(0, YEAR_S)])
            some.append(Upset(at, set_s=rng.choice([1, -1]) * by))
    return some


def schedule(seed: int) -> tuple[Crowd, list[Job], bool]:
    """A random provider and random work; True: limits are told and nothing else disturbs but the clocks."""
    rng = random.Random(seed)
    shape, limit = rng.choice(list(SHAPES)), rng.choice([5, 12, 30, 60])
    limits = {"requests": SHAPES[shape](limit, MINUTE)}
    if rng.random() < 0.4:
        limits["tokens"] = SHAPES[shape](400.0 * limit, MINUTE)
    told, quiet = rng.random() < 0.4, rng.random() < 0.5
    provider = Provider(
        limits, headers=rng.random() < 0.8, stamp=rng.choice(["admission", "end"]), streamed=rng.random() < 0.3,
        refunds=rng.random() < 0.3, service_s=rng.choice([(0.02, 0.05), (0.15, 0.25), (0.5, 2.0)]),
        faults=0.0 if quiet else rng.choice([0.0, 0.05]), whole_seconds=rng.random() < 0.1,
        counts_refused=rng.random() < 0.1,
    )  # fmt: skip
    stated = (Limit("requests", limit, 60.0, "minute"), Limit("tokens", 400.0 * limit, 60.0, "minute"))
    where = origin(*stated) if told else origin()
    foreign = 0.0 if quiet else rng.choice([0.0, 0.3])
    long = 0.0 if foreign else rng.uniform(0, DAYS_S)  # others' calls for days would be nothing but those
    world = Crowd(
        provider, seed=seed, foreign=foreign, memory=Kept(), restart_s=None if quiet else rng.choice([None, 2.0]),
        upsets=upsets(rng, long), counts_sleep=rng.random() < 0.8,
    )  # fmt: skip
    jobs = []
    for i in range(rng.randint(limit // 2, 2 * limit)):
        tokens = rng.choice([(0.0, 0.0), (rng.uniform(10, 300), rng.uniform(10, 300))])
        one = call(
            f"c{i}", where, tokens=tokens, client=rng.choice("ab"), priority=rng.choice(list(Priority)),
        )  # fmt: skip
        real = (int(tokens[0]), int(tokens[1] / 3))
        jobs.append(Job(one, real, at=rng.choice([0.0, rng.uniform(0, 8)]) + rng.choice([0.0, long])))
    world.leaving = {} if quiet else {job.call.id: rng.uniform(0, 6) for job in jobs if rng.random() < 0.1}
    return world, jobs, told and quiet and shape != "slices"


@dataclass
class Sums:
    """What all schedules came to."""

    runs: int = 0
    calm: int = 0
    overruns: int = 0
    """Refusals where the limits were told and nobody else used them, and a clock counts sleep."""
    unseen: int = 0
    """Of the same with a clock that stands still with the machine: a short sleep, or a clock set ahead, is not seen."""
    unknown: int = 0
    """Of all others: limits had to be learned, or somebody else used them up."""
    upsets: int = 0
    hours: float = 0.0
    awake: float = 0.0
    starved: float = 0.0
    """The longest wait, as a part of its bound."""
    least_wait_s: float = 0.0

    def add(self, world: World, calm: bool, share: float) -> None:
        """One more run. SHARE: its longest wait, as a part of the bound."""
        self.runs += 1
        self.calm += calm
        self.overruns += world.provider.refused if calm and world.counts_sleep else 0
        self.unseen += world.provider.refused if calm and not world.counts_sleep else 0
        self.unknown += 0 if calm else world.provider.refused
        self.upsets += len(world.upsets)
        self.hours += (max((e.ended for e in world.ended), default=world.start) - world.start) / 3600
        self.awake += world.awake_s / 3600
        self.starved = max(self.starved, share)
        self.least_wait_s = min(self.least_wait_s, world.least_wait_s)

    def __str__(self) -> str:
        return (
            f"{self.overruns} overruns in {self.calm} with told limits ({self.unseen} where no clock counts a sleep; "
            f"{self.unknown} refusals by limits not known yet, or used by others); longest wait {self.starved:.0%} of "
            f"its bound, shortest {self.least_wait_s:g} s; {self.hours:,.0f} virtual hours, {self.awake:,.0f} awake; "
            f"{self.upsets:,} sleeps and clocks set"
        )


HARD = 12
"""So much longer may a call wait where limits have to be learned, others use them, or the provider breaks."""


def patience_s(world: World, jobs: list[Job], calm: bool) -> float:
    """How long a call may wait at most: until all work of the schedule is through by the slowest limit, and for two
    periods more: the one under way when it came, and one for guards and rounding."""
    periods = 0.0
    for dimension, lim in world.provider.limiters.items():
        costs = [1.0 if dimension == "requests" else max(job.call.estimate.total, sum(job.real)) for job in jobs]
        periods = max(periods, sum(costs) / lim.limit)
    return (periods + 2) * MINUTE * (1 if calm else HARD)


def sane(world: World, jobs: list[Job], seed: int) -> None:
    """Each call that stays is answered, once; who leaves gives back what he held; nothing is left over."""
    lost = [e for e in world.lost if "overloaded" not in str(e.error)]
    assert not [e for e in lost if str(e.error) != "given up" or not world.provider.faults], f"seed {seed}"
    done = [e.job.call.id for e in world.ended if e.error is None]
    assert len(done) == len(set(done)), f"seed {seed}"
    assert len(world.ended) >= len(jobs) - len(world.leaving), f"seed {seed}"
    for account in world.pacer._accounts:
        assert not account.deadlines
        for pool in account.pools.values():
            assert (len(pool.queue), pool.in_flight, pool.slots.used) == (0, 0, 0), f"seed {seed}: {pool}"
            for ledger in pool.ledgers:
                assert min((c.amount for c in ledger.log.entries), default=0.0) >= 0, f"seed {seed}"
                assert ledger.log.window.total >= -1e-6, f"seed {seed}"
    assert not world.pacer._timers, f"seed {seed}"


def run(seeds: Iterable[int]) -> Sums:
    """Run the schedules of SEEDS. Raises AssertionError, which names the seed."""
    sums = Sums()
    for seed in seeds:
        world, jobs, calm = schedule(seed)
        world.run(jobs)
        sane(world, jobs, seed)
        calm = calm and not world.provider.counts_refused
        longest = max((e.waited_s for e in world.ended if e.error is None), default=0.0)
        bound = patience_s(world, jobs, calm)
        assert longest <= bound, f"seed {seed}: a call waited {longest:.1f} s, and {bound:.1f} s at most are right"
        assert world.least_wait_s >= 0, f"seed {seed}: a wait of {world.least_wait_s} s"
        overrun = world.provider.refused if calm and world.counts_sleep else 0
        assert not overrun, f"seed {seed}: {overrun} calls over a told limit"
        sums.add(world, calm, longest / bound)
    return sums


@pytest.mark.parametrize("batch", range(BATCHES))
def test_any_schedule_ends_well(batch: int) -> None:
    """Each call that stays is answered, once; who leaves gives back what he held; sums stay sane; told limits are not
    overrun, nobody starves and no wait is below zero, while the machine sleeps and its clock is set by up to a year,
    ahead and back; and afterwards nothing waits and no timer is left."""
    sums = run(range(batch, COUNT, BATCHES))
    assert sums.runs
    assert sums.unseen <= sums.calm / 100


class Witness(World):
    """Looks at its clocks when its job ends."""

    async def _job(self, job: Job) -> None:
        before = (self.real(), self.clock(), self.wall(), asyncio.get_running_loop().time())
        await super()._job(job)
        after = (self.real(), self.clock(), self.wall(), asyncio.get_running_loop().time())
        self.passed = [b - a for a, b in zip(before, after, strict=True)]


@pytest.mark.parametrize("counts", [True, False])
def test_the_world_has_three_clocks(counts: bool) -> None:
    """A sleep of an hour passes for the provider, and for a clock that counts it, but not for timers; a wall clock that
    is set back by a year moves nothing else."""
    world = Witness(Provider({}), upsets=[Upset(1.0, 3600.0), Upset(2.0, set_s=-YEAR_S)], counts_sleep=counts)
    world.run([Job(call("a", origin()), at=3.0)])
    real, own, wall, timers = world.passed
    assert 3.0 <= timers < 4.0
    assert real == pytest.approx(timers + 3600.0)
    assert own == pytest.approx(real if counts else timers)
    assert wall == pytest.approx(real - YEAR_S)
