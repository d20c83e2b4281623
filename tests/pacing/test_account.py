"""Pools of one key, and what they share."""

import asyncio
from dataclasses import replace

import pytest
import virtual_time
from world import call, origin

from daemon.model import Finding, Limit, Origin, Priority, Usage
from daemon.pacing import Blocked, Pacer
from daemon.pacing import account as accounts
from daemon.pacing.pool import Pool

CREDIT = Finding("insufficient_quota", "quota", "never", "sure", status=429)


def test_a_shared_limit_is_shared_and_a_model_limit_is_not() -> None:
    """Three a minute for the key, one of them at most for model b."""
    where = origin(Limit("requests", 3, 60.0, "minute"), Limit("requests", 1, 60.0, "minute", ("b",)), minute_s=60.0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        gone = []

        async def one(name: str, model: str) -> None:
            permit = await pacer.acquire(call(name, where, model=model))
            gone.append((name, loop.time() - 1000))
            permit.answered(200, (), streamed=False)
            permit.release()

        await asyncio.gather(one("a1", "a"), one("b1", "b"), one("b2", "b"), one("a2", "a"), one("a3", "a"))
        assert [name for name, at in gone if at < 1] == ["a1", "b1", "a2"]
        assert all(at > 59 for name, at in gone if name in ("b2", "a3"))
        await pacer.close()

    virtual_time.run(main())


def test_a_person_does_not_wait_behind_another_models_backlog_that_has_waited_long() -> None:
    """The key's limit is for all models; where normal calls for one of them have risen, a person's for another one
    goes first, and they count as no person's."""
    where = origin(Limit("requests", 6, 60.0, "minute"), minute_s=60.0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        account = pacer._place(call("x", where, model="a"))[0]
        tasks = [asyncio.create_task(pacer.acquire(call(f"n{i}", where, model="a"))) for i in range(30)]
        await asyncio.sleep(100)
        waiting = sum(not task.done() for task in tasks)
        person = asyncio.create_task(pacer.acquire(call("p", where, model="b", priority=Priority.INTERACTIVE)))
        await asyncio.sleep(60)
        assert person.done()
        assert sum(not task.done() for task in tasks) <= waiting - 5
        assert [len(pool.demand._seen) for pool in account.pools.values()] == [0, 1]
        await pacer.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtual_time.run(main())


def test_a_slot_that_one_model_frees_wakes_another() -> None:
    """Concurrency without a model counts for all."""
    where = origin(Limit("concurrency", 1))

    async def main() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time)
        first = await pacer.acquire(call("a", where, model="a"))
        second = asyncio.create_task(pacer.acquire(call("b", where, model="b")))
        await asyncio.sleep(1)
        assert not second.done()
        first.release()
        await asyncio.sleep(0)
        assert second.done()
        await pacer.close()

    virtual_time.run(main())


def test_no_credit_answers_all_that_wait_for_the_key_and_nothing_more_is_sent() -> None:
    """Also those for another model; calls with another key go on."""
    where = origin(Limit("concurrency", 2))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        running = [await pacer.acquire(call(f"r{i}", where)) for i in range(2)]
        waiting = [asyncio.create_task(pacer.acquire(call(f"w{i}", where, model=m))) for i, m in enumerate("mmo")]
        await asyncio.sleep(0)
        assert running[0].refused(CREDIT) is None
        running[0].release()
        await asyncio.sleep(0)
        assert all(isinstance(task.exception(), Blocked) for task in waiting)
        with pytest.raises(Blocked):
            await pacer.acquire(call("later", where, priority=Priority.BATCH))
        (await pacer.acquire(call("other", where, key="key:b"))).release()
        await pacer.close()

    virtual_time.run(main())


def test_after_no_credit_one_call_looks_at_a_time_and_a_success_lifts_the_block() -> None:
    """An interactive one at once, others after half a minute; those beside it wait for its answer."""
    where = origin()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        first = await pacer.acquire(call("a", where))
        first.refused(CREDIT)
        first.release()
        look = await pacer.acquire(call("look", where, priority=Priority.INTERACTIVE))
        beside = asyncio.create_task(pacer.acquire(call("beside", where, priority=Priority.INTERACTIVE)))
        await asyncio.sleep(0)
        assert not beside.done()
        look.refused(CREDIT)
        look.release()
        await asyncio.sleep(0)
        assert isinstance(beside.exception(), Blocked)
        await asyncio.sleep(31)
        again = await pacer.acquire(call("again", where))
        follower = asyncio.create_task(pacer.acquire(call("follower", where)))
        await asyncio.sleep(0)
        assert not follower.done()
        again.answered(200, (), streamed=False)
        await asyncio.sleep(0)
        assert follower.done()
        await pacer.close()

    virtual_time.run(main())


def test_a_guard_that_names_a_time_is_not_asked_before_it_has_passed() -> None:
    """Not after half a minute: each call makes its block last longer. A person who tries may; a success lifts it."""
    where = origin()
    shut = Finding("edge_blocked", "access", "never", "sure", status=429, retry_after_s=7200.0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        first = await pacer.acquire(call("a", where))
        assert first.refused(shut) is None
        first.release()
        for asleep_s in (1, 40, 7000):
            await asyncio.sleep(asleep_s)
            with pytest.raises(Blocked):
                await pacer.acquire(call("b", where))
        (await pacer.acquire(call("person", where, priority=Priority.INTERACTIVE))).release()
        await asyncio.sleep(200)
        again = await pacer.acquire(call("c", where))
        again.answered(200, (), streamed=False)
        again.release()
        (await pacer.acquire(call("d", where))).release()
        await pacer.close()

    virtual_time.run(main())


def test_a_model_outside_the_plan_blocks_only_itself() -> None:
    """Other models of the key go on."""
    where = origin()

    async def main() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time)
        permit = await pacer.acquire(call("a", where, model="pro"))
        permit.refused(Finding("not_in_plan", "quota", "never", "sure", status=429))
        permit.release()
        with pytest.raises(Blocked):
            await pacer.acquire(call("b", where, model="pro"))
        (await pacer.acquire(call("c", where, model="flash"))).release()
        await pacer.close()

    virtual_time.run(main())


def test_a_reloaded_config_takes_effect_and_what_waits_stays() -> None:
    """A higher limit lets the waiting call go when the next one comes with it."""
    where = origin(Limit("requests", 1, 60.0, "minute"), minute_s=60.0)
    higher = replace(where, limits=(Limit("requests", 50, 60.0, "minute"),))

    async def main() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time)
        first = await pacer.acquire(call("a", where))
        first.answered(200, (), streamed=False)
        waiting = asyncio.create_task(pacer.acquire(call("b", where)))
        await asyncio.sleep(1)
        assert not waiting.done()
        (await pacer.acquire(call("c", higher))).release()
        await asyncio.sleep(0)
        assert waiting.done()
        first.release()
        await pacer.close()

    virtual_time.run(main())


def test_after_a_reload_what_runs_still_counts() -> None:
    """Eight streams of two models run, eight may: with the limits edited none more goes until one of them has ended,
    and then one, of whatever model. What the old ones report brings nothing back."""
    where = origin(Limit("concurrency", 8), Limit("requests", 100, 60.0, "minute"), minute_s=60.0)
    edited = replace(where, limits=(Limit("concurrency", 8), Limit("requests", 50, 60.0, "minute")))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        old = []
        for i in range(8):
            old.append(await pacer.acquire(call(f"old{i}", where, model="ab"[i % 2])))
            old[-1].answered(200, (), streamed=True)
            await asyncio.sleep(1)
        made = [call(f"new{i}", edited, model="ab"[i % 2]) for i in range(4)]
        new = [asyncio.create_task(pacer.acquire(replace(one, arrived_at=10.0 + i))) for i, one in enumerate(made)]
        await asyncio.sleep(1)
        assert [task.done() for task in new] == [False] * 4
        for ended in range(3):
            old[ended].settle(Usage(1, 1))
            old[ended].release()
            await asyncio.sleep(1)
            assert sum(task.done() for task in new) == ended + 1
        assert sum(pool["in_flight"] for pool in pacer.pools()) == 8
        a, b = (pacer._place(made[i])[1] for i in range(2))
        assert a.shared is b.shared
        assert {pool.origin for pool in (a, b)} == {edited}
        assert old[3].refused(Finding("overloaded", "capacity", "wait", "sure", status=503)) is not None
        late = call("late", where, model="a")
        assert pacer._place(late)[1] is a
        assert a.origin is edited
        assert dim_of(pacer, "requests")["limit"] == 50
        for permit in old[3:]:
            permit.release()
        for task in new:
            (await task).release()
        assert [slots.used for slots in (a.slots, b.slots, *a.shared.slots)] == [0, 0, 0]
        await pacer.close()

    virtual_time.run(main())


def test_a_reload_that_takes_a_change_back_counts_too() -> None:
    """The limits of before are in force again for who comes then; who came before the first change does not bring them
    back."""
    first = origin(Limit("requests", 5, 60.0, "minute"), minute_s=60.0)
    second = replace(first, limits=(Limit("requests", 50, 60.0, "minute"),))
    again = replace(first)

    async def main() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time)

        def limit(where: Origin, arrived_at: float) -> float:
            pool = pacer._place(replace(call("x", where), arrived_at=arrived_at))[1]
            return float(pool.shared.ledgers["requests", 60.0].ceiling or 0.0)

        assert [limit(first, 1.0), limit(second, 2.0), limit(first, 1.5)] == [5, 50, 50]
        assert [limit(again, 3.0), limit(second, 2.5), limit(again, 4.0)] == [5, 5, 5]
        await pacer.close()

    virtual_time.run(main())


def dim_of(pacer: Pacer, dimension: str) -> dict[str, float]:
    """The first limit of that DIMENSION in the status."""
    found: dict[str, float] = next(d for d in pacer.pools()[0]["dims"] if d["dimension"] == dimension)
    return found


def looks_at(pool: object, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When it is asked of POOL who may go, from now on."""
    seen: list[float] = []
    choose = accounts.choose

    def counted(one: Pool, now: float) -> object:
        if one is pool:
            seen.append(now)
        return choose(one, now)

    monkeypatch.setattr(accounts, "choose", counted)
    return seen


async def a_call(pacer: Pacer, name: str, where: Origin, model: str) -> None:
    """One that is answered."""
    permit = await pacer.acquire(call(name, where, model=model))
    permit.answered(200, (), streamed=False)
    permit.settle(Usage(1, 1))
    permit.release()


def test_calls_of_one_model_do_not_move_those_that_wait_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """They share nothing, so nobody is asked; with a limit for the key, or when time has come, they are."""
    full = Limit("concurrency", 1, models=("b",))

    async def main(where: Origin) -> int:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        first = await pacer.acquire(call("b1", where, model="b"))
        second = asyncio.create_task(pacer.acquire(call("b2", where, model="b"), hold=(30.0, "")))
        await asyncio.sleep(1)
        seen = looks_at(pacer._place(call("b", where, model="b"))[1], monkeypatch)
        for number in range(10):
            await a_call(pacer, f"a{number}", where, "a")
        looks = len(seen)
        first.release()
        assert not second.done()
        await asyncio.sleep(30)
        assert second.done()
        await pacer.close()
        return looks

    assert virtual_time.run(main(origin(full))) == 0
    assert virtual_time.run(main(origin(full, Limit("requests", 1000, 60.0, "minute")))) > 0


def test_a_success_that_lifts_the_block_of_a_key_moves_all_its_models() -> None:
    """Those that wait for another model go with it, and not only when a timer rings."""
    where = origin(Limit("concurrency", 1, models=("b",)))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        good = await pacer.acquire(call("a1", where, model="a"))
        bad = await pacer.acquire(call("a2", where, model="a"))
        bad.refused(CREDIT)
        bad.release()
        await asyncio.sleep(31)
        probe = await pacer.acquire(call("a3", where, model="a"))
        waits = asyncio.create_task(pacer.acquire(call("b1", where, model="b")))
        await asyncio.sleep(0.1)
        assert not waits.done()
        good.answered(200, (), streamed=False)
        await asyncio.sleep(0)
        assert waits.done()
        probe.release()
        await pacer.close()

    virtual_time.run(main())
