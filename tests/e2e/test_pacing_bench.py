"""The pacing benchmark, in a short form: the real daemon against each way of counting, with bounds that hold on a busy
machine. The full one is `python benchmarks/pacing.py`."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.race import table
from benchmarks.race.bound import admissions, bound_s
from benchmarks.race.entrant import Answer
from benchmarks.race.jobs import Job, Size, day, generous, huge, interactive, leaving, requests, tokens, unequal
from benchmarks.race.processes import flags
from benchmarks.race.running import Setting, run
from benchmarks.race.scenarios import SCENARIOS
from benchmarks.race.score import Outcome, score
from benchmarks.race.sluice import Sluice
from daemon.sandbox.__main__ import parser
from daemon.sandbox.settings import SHAPES, SandboxSettings, Shape

SIZE = Size(40, 80_000)
QUICK = Setting(minute_s=4.0, service_s=0.1, aligned=False, phases=())
MIXES = (requests, tokens, generous, huge, interactive, unequal, leaving, day)


def short(size: Size, rng: random.Random) -> list[Job]:
    """A minute and a half of requests."""
    return requests(size, rng, 1.5)


@pytest.mark.e2e
@pytest.mark.parametrize("shape", SHAPES)
async def test_the_daemon_keeps_all_jobs(shape: Shape) -> None:
    """Told nothing but how long a minute is: no job is lost, none done twice, few 429s, not much time wasted. A machine
    that is busy with something else for half a second may cost a window, so of two runs the quicker one counts."""
    row, ratios = replace(SCENARIOS["requests"], size=SIZE, mix=short), []
    while len(ratios) < 2 and min(ratios, default=9.0) > 2.0:
        found = (await run(row, shape, Sluice(), QUICK)).score
        assert (found.lost, found.twice) == (0, 0), found
        assert found.refused <= (found.jobs // 3 if shape == "slices" else 10), found
        ratios.append(found.ratio or 9.0)
    assert min(ratios) <= 2.0, ratios


@pytest.mark.e2e
async def test_no_quota_stops_the_rest() -> None:
    """After the first insufficient_quota nothing more comes than was in flight, and every client is told why."""
    row = replace(SCENARIOS["quota"], size=SIZE, settings={"quota_after": 15})
    found = (await run(row, "bucket", Sluice(), QUICK)).score
    assert found.after_quota == 0, found
    assert found.why == {"429 insufficient_quota": found.lost}
    assert found.lost == found.jobs - 15


def small_jobs(count: int, cost: int = 10) -> list[Job]:
    """COUNT jobs of the same size."""
    return [Job(f"j{n}", cost - 2, 2) for n in range(count)]


@pytest.mark.parametrize(
    ("shape", "start", "expected"),
    [
        ("bucket", 0.0, 3.0),  # 10 at once, 5 more of 10 in 6 s
        ("fixed", 0.0, 6.0),  # 10 in the first window, 5 in the second
        ("fixed", 5.0, 1.0),  # the second begins soon
        ("sliding", 5.0, 6.0),
        ("slices", 0.0, 7.0),  # ceil(10 / 6) = 2 in each second
    ],
)
def test_the_bound_is_the_shortest_time(shape: Shape, start: float, expected: float) -> None:
    """For jobs of one size it is what one works out by hand, and one call's service time."""
    settings = SandboxSettings(requests_per_minute=10, tokens_per_minute=None, minute_s=6.0, service_s=0.2, shape=shape)
    assert bound_s(small_jobs(15), settings, start) == pytest.approx(expected + 0.2, abs=0.01)


def test_the_bound_knows_refunds() -> None:
    """Where unused max_tokens come back, more fits into the same time."""
    settings = SandboxSettings(
        requests_per_minute=None, tokens_per_minute=100, minute_s=6.0, service_s=0.2, output_tokens=1
    )
    jobs = [Job(f"j{n}", 5, 45) for n in range(4)]
    assert bound_s(jobs, settings, 0.0, refund=False) == pytest.approx(6.2, abs=0.01)
    assert bound_s(jobs, settings, 0.0, refund=True) < 1.0


def test_a_job_that_never_fits_has_no_bound() -> None:
    """The benchmark says so instead of running for ever."""
    with pytest.raises(ValueError, match="never fits"):
        admissions(small_jobs(1, 1000), SandboxSettings(tokens_per_minute=100), 0.0)


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: mix.__name__)
def test_a_mix_is_made_to_measure(mix: object) -> None:
    """Each job fits into a minute, has a name of its own, and is the same again from the same seed."""
    jobs = mix(SIZE, random.Random(3))  # type: ignore[operator]
    assert len({job.name for job in jobs}) == len(jobs)
    assert all(0 < job.tokens <= SIZE.tokens for job in jobs)
    assert [job.body() for job in jobs] == [job.body() for job in mix(SIZE, random.Random(3))]  # type: ignore[operator]
    assert all(len(job.messages()[0]["content"]) == 4 * job.prompt_tokens for job in jobs)


@pytest.mark.parametrize("row", SCENARIOS.values(), ids=lambda row: row.name)
def test_a_row_becomes_a_provider(row: object) -> None:
    """The sandbox's own command line reads the settings of each row back as they were."""
    settings = SandboxSettings(minute_s=6.0, shape="fixed", **row.settings)  # type: ignore[attr-defined]
    read = vars(parser().parse_args(flags(settings)))
    again = SandboxSettings(**{name: value for name, value in read.items() if name not in ("host", "port", "path")})
    assert again == settings


def seen(name: str, status: int | None, arrived: float, ended: float, trouble: str = "") -> dict[str, object]:
    """A request as the provider tells of it."""
    body = Job(name, 20, 16).body().decode()
    return {"body": body, "status": status, "arrived": arrived, "ended": ended, "trouble": trouble,
            "finished": True, "admitted": arrived if status == 200 else None}  # fmt: skip


def test_the_score_counts_what_the_provider_saw() -> None:
    """429s, jobs done twice, calls after a client left, calls after the credit was gone: from notes, by hand."""
    outcomes = [
        Outcome(Job("a", 20, 16), 0.0, 1.0, Answer(True, 200)),
        Outcome(Job("b", 20, 16), 0.0, 2.0, Answer(False, 429, "insufficient_quota")),
        Outcome(Job("c", 20, 16), 0.0, 0.5, Answer(False, None, "left")),
        Outcome(Job("d", 20, 16), 0.0, 0.5, Answer(False, 502, "connection_lost")),
    ]
    notes = [
        seen("a", 429, 0.0, 0.1, "rate"), seen("a", 200, 0.2, 0.9), seen("a", 200, 0.3, 0.9),
        seen("c", 200, 0.7, 0.9), seen("b", 429, 1.0, 1.1, "insufficient-quota"), seen("e", 200, 1.05, 1.3),
        seen("f", 429, 1.2, 1.3, "insufficient-quota"), seen("g", 429, 1.25, 1.3, "insufficient-quota"),
    ]  # fmt: skip
    found = score(outcomes, notes, 0.0, bound_s=0.5, minute_s=6.0, service_s=0.2)
    assert (found.lost, found.labelled, found.refused, found.twice, found.after_leaving) == (1, 1, 1, 1, 1)
    assert found.after_quota == 1, "two came later, one was in flight"
    assert found.ratio == pytest.approx(2.0)


def test_waiting_is_without_the_service() -> None:
    """The 95th percentile of what interactive calls waited, in minutes; and how soon a small client is done."""
    outcomes = [
        Outcome(Job(f"i{n}", 20, 16, priority="interactive"), 0.0, 0.2 + 0.06 * n, Answer(True, 200)) for n in range(20)
    ]
    outcomes += [Outcome(Job(f"s{n}", 20, 16, "small"), 0.0, 1.0, Answer(True, 200)) for n in range(3)]
    outcomes += [Outcome(Job(f"b{n}", 20, 16, "big"), 0.0, 4.0 * n, Answer(True, 200)) for n in range(3)]
    found = score(outcomes, [], 0.0, bound_s=None, minute_s=6.0, service_s=0.2)
    assert found.wait_p95 == pytest.approx(0.06 * 18 / 6.0)
    assert found.small_end == pytest.approx(0.25)
    assert found.ratio is None


def test_the_table_says_what_was_missed(tmp_path: Path) -> None:
    """Medians count, later results take the place of earlier ones, and a missed bound is named."""
    rounds = [{"ratio": ratio, "refused": 1, "lost": 0, "twice": 0} for ratio in (1.01, 1.30, 1.20)]
    row = {"scenario": "requests", "shape": "fixed", "entrant": "sluice", "name": "Sluice", "rounds": rounds}
    table.save(tmp_path / "r.json", [{**row, "rounds": rounds[:1]}], {})
    rows = table.merge(table.load(tmp_path / "r.json"), [row])
    assert rows == [row]
    assert table.misses(row) == ["ratio 1.2 > 1.06"]
    assert "**1.20 / 1 / 0** MISSED: ratio 1.2 > 1.06" in table.show(rows)
