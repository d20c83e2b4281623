"""Providers made up by chance: whatever one does, every call comes to an end, and nothing is left over.

The other tests ask how well; their providers answer within a fifth of a second, three in a hundred milliseconds from
here. SLUICE_PROVIDERS=2000 makes up more of them.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from typing import Any

import pytest
from kept import Kept
from world import MINUTE, Job, Provider, World, call, limiter, origin

from daemon.errors import Refusal
from daemon.model import Ask, Limit, Origin, Priority

AT_ONCE = 20
BATCHES = range(int(os.environ.get("SLUICE_PROVIDERS", "100")) // AT_ONCE)
PROVIDERS = ("openai-compatible", "openai", "anthropic", "gemini", "azure", "groq")


def provider_of(rng: random.Random, requests: float, tokens: float) -> Provider:
    """Counts in one way or the other, tells much or nothing, is near or far, quick or slow."""
    shape, phase = rng.choice(("bucket", "fixed", "sliding", "slices")), rng.uniform(0, MINUTE)

    def limited(amount: float) -> Any:
        return limiter(shape, amount, phase_s=phase) if shape in ("fixed", "slices") else limiter(shape, amount)

    limits = {"requests": limited(requests)} if rng.random() < 0.8 else {}
    if not limits or rng.random() < 0.6:
        limits["tokens"] = limited(tokens)
    return Provider(
        limits,
        headers=rng.random() < 0.6,
        hints=rng.random() < 0.7,
        facts=rng.random() < 0.7,
        stamp=rng.choice(("admission", "end")),
        refunds=rng.random() < 0.3,
        latency_s=rng.choice(((0.002, 0.02), (0.02, 0.05), (0.05, 0.3))),
        service_s=rng.choice(((0.05, 0.1), (0.15, 0.25), (1.0, 3.0), (0.1, 8.0))),
        streamed=rng.random() < 0.5,
        counts_refused=rng.random() < 0.3,
        period_stated=rng.random() < 0.4,
        faults=rng.choice((0.0, 0.0, 0.05, 0.3)),
        resets=rng.random() < 0.7,
        whole_seconds=rng.random() < 0.3,
    )


def config_of(rng: random.Random, requests: float, tokens: float) -> Origin:
    """What the user has written down of it, right or wrong."""
    told = []
    if rng.random() < 0.4:
        told.append(Limit("requests", requests * rng.choice((0.5, 1, 2)), 60.0, "minute"))
    if rng.random() < 0.3:
        told.append(Limit("tokens", tokens * rng.choice((0.5, 1, 2)), 60.0, "minute"))
    if rng.random() < 0.2:
        told.append(Limit("concurrency", rng.choice((1, 2, 4, 8))))
    if rng.random() < 0.1:
        told.append(Limit("requests", rng.choice((20, 50)), 86_400.0, "day"))
    return origin(*told, provider=rng.choice(PROVIDERS), share=rng.choice((1.0, 1.0, 0.8)))


def jobs_of(rng: random.Random, where: Origin, tokens: float) -> list[Job]:
    """Of all classes and sizes, some too large, some with a deadline, some without a maximum."""
    jobs = []
    for number in range(rng.choice((10, 40, 80))):
        prompt, most = rng.randint(1, int(tokens * rng.choice((0.01, 0.1, 0.5)))), rng.choice((16, 100, 1000))
        one = call(
            f"c{number}",
            where,
            tokens=(prompt, most),
            client=rng.choice("ab"),
            priority=rng.choice(list(Priority)),
            deadline_s=rng.choice((None, None, None, 5.0, 60.0)),
            model=rng.choice(("m", "m", "k")),
        )
        if rng.random() < 0.4:
            one = replace(one, ask=Ask("chat", one.model))
        real = (prompt, rng.randint(1, most)) if rng.random() < 0.8 else (0, 0)
        jobs.append(Job(one, real, at=rng.choice((0.0, 0.0, rng.uniform(0, 20)))))
    return jobs


@pytest.mark.parametrize("batch", BATCHES)
def test_every_call_comes_to_an_end(batch: int) -> None:
    """It is answered, refused with words, or given up after its tries, within the time that calls wait; nothing that
    was learned breaks (see conftest), and no slot and no place in a line is left."""
    for seed in range(batch * AT_ONCE, (batch + 1) * AT_ONCE):
        rng = random.Random(seed)
        requests, tokens = rng.choice((3, 5, 10, 20, 60, 200, 600)), rng.choice((2_000, 8_000, 20_000, 100_000))
        provider, where = provider_of(rng, requests, tokens), config_of(rng, requests, tokens)
        world = World(
            provider,
            seed=seed,
            foreign=rng.choice((0.0, 0.0, 0.3)) if "requests" in provider.limiters else 0.0,
            restart_s=rng.choice((None, None, 3.0)),
            memory=Kept() if rng.random() < 0.5 else None,
        )
        jobs = jobs_of(rng, where, tokens)
        world.run(jobs)
        assert len(world.ended) == len(jobs), f"seed {seed}"
        assert all(isinstance(e.error, (Refusal, RuntimeError)) for e in world.lost), f"seed {seed}: {world.lost}"
        assert world.makespan < 900, f"seed {seed}"
        pools = [pool for account in world.pacer._accounts for pool in account.pools.values()]
        left = [pool for pool in pools if (len(pool.queue), pool.in_flight, pool.slots.used) != (0, 0, 0)]
        assert not left, f"seed {seed}: {left}"
