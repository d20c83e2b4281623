"""How close to the shortest possible time, without provoking refusals, whichever way the provider counts.

Limits are not told unless the test says so. A scaled minute of six seconds; each failure names its seed.
"""

import random
import statistics

import pytest
from world import Job, Provider, World, bound, call, limiter, origin

from daemon.model import Limit, Priority

SERVICE_S = 0.2
LIMIT = 60


def burst(shape: str, n: int = 210, *, seed: int = 1, told: bool = False, **more: object) -> tuple[float, World]:
    """N calls at once; return makespan / bound."""
    foreign = float(more.pop("foreign", 0.0))  # type: ignore[arg-type]
    provider = Provider({"requests": limiter(shape, LIMIT)}, **more)  # type: ignore[arg-type]
    where = origin(Limit("requests", LIMIT, 60.0, "minute")) if told else origin()
    world = World(provider, seed=seed, foreign=foreign).run([Job(call(f"c{i}", where)) for i in range(n)])
    return world.makespan / (bound(shape, LIMIT, n, world.start) + SERVICE_S), world


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize(
    ("shape", "ratio", "refused"), [("bucket", 1.06, 0), ("fixed", 1.06, 0), ("sliding", 1.06, 0), ("slices", 1.1, 2)]
)
def test_request_bound(shape: str, ratio: float, refused: int, told: bool) -> None:
    """Three and a half limits of requests: all answered, near the bound."""
    for seed in range(1, 6):
        reached, world = burst(shape, seed=seed, told=told)
        assert not world.lost, f"seed {seed}"
        assert reached <= ratio, f"seed {seed}"
        assert world.provider.refused <= refused, f"seed {seed}"


@pytest.mark.parametrize("shape", ["bucket", "fixed", "sliding"])
@pytest.mark.parametrize("refunds", [False, True])
def test_token_bound(shape: str, refunds: bool) -> None:
    """Tokens bind; unused ones come back or not, and the pacer finds out which."""
    for seed in range(1, 5):
        rng = random.Random(seed)
        provider = Provider({"requests": limiter(shape, 600), "tokens": limiter(shape, 20_000)}, refunds=refunds)
        jobs, where, cost = [], origin(), 0.0
        while cost < 3.5 * 20_000:  # the last window is half full: how calls are packed into it does not matter
            prompt, most = rng.randint(50, 700), rng.randint(50, 800)
            real = (prompt, int(most * (0.2 if refunds else 1)))
            cost += sum(real)
            jobs.append(Job(call(f"c{len(jobs)}", where, tokens=(prompt, most)), real))
        world = World(provider, seed=seed).run(jobs)
        ratio = world.makespan / (bound(shape, 20_000, cost, world.start) + SERVICE_S)
        assert not world.lost
        assert ratio <= (1.25 if refunds else 1.06), f"seed {seed}"
        assert provider.refused <= 3, f"seed {seed}"


@pytest.mark.parametrize(("shape", "most"), [("bucket", 10), ("fixed", 5), ("sliding", 6), ("slices", 10)])
def test_somebody_else_takes_thirty_percent(shape: str, most: int) -> None:
    """Seen through `remaining` and paced around."""
    for seed in range(1, 6):
        _, world = burst(shape, 150, seed=seed, foreign=0.3)
        assert not world.lost, f"seed {seed}"
        assert world.provider.refused <= most, f"seed {seed}"


@pytest.mark.parametrize(("shape", "ratio"), [("bucket", 1.45), ("fixed", 1.25), ("sliding", 1.25)])
def test_no_headers_and_bare_refusals(shape: str, ratio: float) -> None:
    """Nothing is said but no: few refusals, and not much time lost."""
    for seed in range(1, 6):
        reached, world = burst(shape, 150, seed=seed, headers=False, hints=False, facts=False)
        assert not world.lost, f"seed {seed}"
        assert world.provider.refused <= 12, f"seed {seed}"
        assert reached <= ratio, f"seed {seed}"


@pytest.mark.parametrize("shape", ["bucket", "fixed", "sliding", "slices"])
@pytest.mark.parametrize("quirk", [{"stamp": "end"}, {"streamed": True}, {"faults": 0.08}, {"counts_refused": True}])
def test_quirks_lose_nothing(shape: str, quirk: dict[str, object]) -> None:
    """Headers stamped at the end, streams, 503s, refusals that count."""
    for seed in range(1, 4):
        _, world = burst(shape, 150, seed=seed, **quirk)
        assert not world.lost, f"seed {seed}"
        assert world.provider.refused <= 8, f"seed {seed}"


@pytest.mark.parametrize(("shape", "most_s"), [("bucket", 0.3), ("fixed", 0.9)])
def test_interactive_calls_do_not_wait_behind_a_batch(shape: str, most_s: float) -> None:
    """0.05 of a minute on buckets, 0.15 on windows, for nineteen of twenty."""
    waits: list[float] = []
    for seed in range(1, 6):
        rng, where = random.Random(seed), origin()
        jobs = [Job(call(f"b{i}", where, client="batch", priority=Priority.BATCH)) for i in range(150)]
        jobs += [
            Job(call(f"i{i}", where, client="editor", priority=Priority.INTERACTIVE), at=rng.uniform(0, 10))
            for i in range(12)
        ]
        world = World(Provider({"requests": limiter(shape, LIMIT)}), seed=seed).run(jobs)
        waits += [e.first_sent - e.arrived for e in world.ended if e.job.call.priority == Priority.INTERACTIVE]
        assert not world.lost
    waits.sort()
    assert waits[int(0.95 * len(waits))] <= most_s


@pytest.mark.parametrize("shape", ["bucket", "fixed", "sliding"])
def test_a_small_client_beside_a_big_one(shape: str) -> None:
    """Its median end is within a fifth of the big one's."""
    where = origin()
    jobs = [Job(call(f"b{i}", where, client="big")) for i in range(100)]
    jobs += [Job(call(f"s{i}", where, client="small")) for i in range(10)]
    world = World(Provider({"requests": limiter(shape, 20)})).run(jobs)
    ends = {
        who: statistics.median(e.ended - world.start for e in world.ended if e.job.call.client == who)
        for who in ("big", "small")
    }
    assert ends["small"] <= 0.2 * ends["big"]
