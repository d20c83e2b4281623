"""The whole pacer on random schedules: any shape, limits told or not, faults, others on the key, people who leave, a
restart in the middle. Each failure names its seed.
"""

from __future__ import annotations

import asyncio
import os
import random

import pytest
from limiters import SHAPES
from world import MINUTE, Job, Kept, Provider, World, call, origin

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


def schedule(seed: int) -> tuple[Crowd, list[Job], bool]:
    """A random provider and random work; True: limits are told and nothing else disturbs."""
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
    world = Crowd(
        provider, seed=seed, foreign=0.0 if quiet else rng.choice([0.0, 0.3]), memory=Kept(),
        restart_s=None if quiet else rng.choice([None, 2.0]),
    )  # fmt: skip
    jobs = []
    for i in range(rng.randint(limit // 2, 2 * limit)):
        tokens = rng.choice([(0.0, 0.0), (rng.uniform(10, 300), rng.uniform(10, 300))])
        one = call(
            f"c{i}", where, tokens=tokens, client=rng.choice("ab"), priority=rng.choice(list(Priority)),
        )  # fmt: skip
        real = (int(tokens[0]), int(tokens[1] / 3))
        jobs.append(Job(one, real, at=rng.choice([0.0, rng.uniform(0, 8)])))
    world.leaving = {} if quiet else {job.call.id: rng.uniform(0, 6) for job in jobs if rng.random() < 0.1}
    return world, jobs, told and quiet and shape != "slices"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_any_schedule_ends_well(batch: int) -> None:
    """Each call that stays is answered, once; who leaves gives back what he held; sums stay sane; told limits are not
    overrun (but once in a hundred schedules at most, where chance makes six answers of a window look like a bucket's);
    and afterwards nothing waits and no timer is left."""
    overrun = 0
    for seed in range(batch, COUNT, BATCHES):
        world, jobs, calm = schedule(seed)
        world.run(jobs)
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
        if calm and not world.provider.counts_refused:
            assert world.provider.refused <= 1, f"seed {seed}"
            overrun += world.provider.refused
    assert overrun <= COUNT / BATCHES / 100, overrun
