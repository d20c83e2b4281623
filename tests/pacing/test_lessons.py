"""What was learned is kept over a restart."""

import json

import pytest
from kept import Kept
from world import Job, Provider, World, call, limiter, origin

from daemon.pacing.learning import set_boundary
from daemon.pacing.ledger import Ledger
from daemon.pacing.lessons import KIND, Lessons, apply, lesson_of, parse
from daemon.pacing.pool import Limits, Pool
from daemon.pacing.reshaping import reshape
from daemon.pacing.settings import PacingSettings
from daemon.pacing.slices import doubt_slices


def taught(**known: object) -> Ledger:
    """A ledger of windows of six seconds, cut in sixths, with ten charges."""
    ledger = Ledger("requests", 6.0, 6.0, limit=60)
    reshape(ledger, 100.0, shape="fixed", slices=6)
    set_boundary(ledger, 100.0, 100.0)
    for seq in range(10):
        ledger.take(seq, 1.0, 101.0 + seq / 100)
    for name, value in known.items():
        setattr(ledger, name, value)
    return ledger


def again(ledger: Ledger, after_s: float, **more: object) -> Ledger:
    """What another process knows that starts AFTER_S later, with another clock."""
    lesson = parse(json.dumps(lesson_of(ledger, None, 102.0, 5000.0)))
    assert lesson is not None
    new = Ledger("requests", 6.0, 6.0, **more)  # type: ignore[arg-type]
    apply(new, lesson, 7.0, 5000.0 + after_s)
    return new


def test_shape_slices_and_use_come_along() -> None:
    """On the new process's clock, which has nothing to do with the old one's."""
    new = again(taught(refunds=True, scale=0.8, carries=True, slice_boundary=2.0, slice_blur_s=0.1), 1.0)
    assert (new.shape, new.slices, new.limit, new.refunds, new.scale) == ("fixed", 6, 60, True, 0.8)
    assert (new.carries, new.slice_blur_s) == (True, 0.1)
    assert new.boundary == pytest.approx(4.0)
    assert new.avail(7.0) == pytest.approx(50)


def test_after_a_window_what_was_used_is_over() -> None:
    """A restart that took ten seconds begins with the whole limit."""
    assert again(taught(), 10.0).avail(7.0) == 60


def test_after_a_day_the_limit_itself_is_not_believed() -> None:
    """How the provider counts still is."""
    new = again(taught(), 90_000.0)
    assert new.limit is None
    assert new.shape == "fixed"


def test_a_limit_in_the_config_stays_the_ceiling() -> None:
    """A lesson does not raise it."""
    assert again(taught(), 1.0, ceiling=20, source="config").cap == 20


def test_a_broken_or_foreign_lesson_is_none() -> None:
    """And one for another length of the minute teaches nothing."""
    assert parse("{}") is None
    assert parse("[") is None
    lesson = lesson_of(taught(), None, 102.0, 5000.0)
    assert parse(json.dumps({**lesson, "slices": 0})) is None
    assert parse(json.dumps({**lesson, "shape": "round"})) is None
    other = Ledger("requests", 60.0)
    apply(other, lesson, 0.0, 5000.0)
    assert other.limit is None


def test_slices_are_doubted_after_a_day() -> None:
    """One step at a time: sixths become fifths."""
    ledger = taught(sliced_at=0.0)
    doubt_slices(ledger, 1000.0)
    assert ledger.slices == 6
    doubt_slices(ledger, 90_000.0)
    assert ledger.slices == 5


@pytest.mark.parametrize("shape", ["bucket", "fixed", "sliding", "slices"])
def test_a_restart_in_the_middle_provokes_hardly_anything(shape: str) -> None:
    """The new process goes on where the old one was; what waited asks again."""
    for seed in range(1, 4):
        kept, where = Kept(), origin()
        provider = Provider({"requests": limiter(shape, 60)})
        jobs = [Job(call(f"c{i}", where)) for i in range(150)]
        world = World(provider, seed=seed, memory=kept, restart_s=4.0 + seed / 3).run(jobs)
        assert not world.lost, f"seed {seed}"
        assert provider.refused <= 3, f"seed {seed}"
        assert kept.recall(KIND)


def test_a_lesson_of_last_year_is_forgotten() -> None:
    """The memory does not fill up with models that nobody asks any more."""
    kept = Kept()
    old = lesson_of(taught(), None, 102.0, 1.6e9)
    kept.remember(KIND, "api.test key:a = m requests -", json.dumps(old))
    World(Provider({"requests": limiter("bucket", 60)}), memory=kept).run([Job(call("c", origin()))])
    assert json.loads(kept.recall(KIND)["api.test key:a = m requests -"])["at"] > 1.65e9


@pytest.mark.parametrize(("model", "limit"), [("llama 3", 60), ("llama", None), ("llama 3 requests", None)])
def test_a_lesson_is_one_models_own(model: str, limit: float | None) -> None:
    """A model whose name begins with another one's is taught nothing of that."""
    kept = Kept()
    kept.remember(KIND, "api.test key:a = llama 3 requests -", json.dumps(lesson_of(taught(), None, 102.0, 5000.0)))
    one = call("c", origin(minute_s=6.0), model=model)
    pool = Pool(one.scope, one.origin, Limits(), Limits(), PacingSettings())
    Lessons(kept, lambda: 5001.0).recall(pool, 7.0)
    assert {ledger.limit for ledger in pool.own.ledgers.values()} - {None} == {limit} - {None}
