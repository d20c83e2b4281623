"""Calls that wait in vain."""

import asyncio
import random

import virtual_time
from world import call, origin

from daemon.errors import DeadlineExceeded
from daemon.model import Priority
from daemon.pacing import Pacer, PacingSettings
from daemon.pacing.checks import patience_of
from daemon.pacing.feedback import entry_of


def test_who_waits_for_a_provider_that_stays_away_is_told_after_its_patience() -> None:
    """A person after a minute and a half, a batch after ten minutes; the error names the host and the setting."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(PacingSettings(), clock=loop.time, wall=lambda: 1.7e9 + loop.time(), rng=random.Random(1))
        where = origin(minute_s=60.0)
        permits = [await pacer.acquire(call(f"c{i}", where)) for i in range(3)]
        for permit in permits:
            permit.lost("refused", False)
            permit.release()
        hung = await pacer.acquire(call("hung", where))  # it looks, and nobody knows what will come of it

        async def told(priority: Priority) -> tuple[str, float]:
            began = loop.time()
            try:
                permit = await pacer.acquire(call(priority.name, where, priority=priority))
            except DeadlineExceeded as late:
                return late.message, loop.time() - began
            permit.lost("refused", False)
            permit.release()
            return "sent", loop.time() - began

        waiting = [told(Priority.INTERACTIVE) for _ in range(100)] + [told(Priority.BATCH) for _ in range(100)]
        ends = await asyncio.gather(*waiting)
        said = {name: [after for text, after in ends if name in text] for name in ("max_wait_interactive", "max_wait)")}
        assert all(90 <= after <= 96 for after in said["max_wait_interactive"])
        assert all(600 <= after <= 606 for after in said["max_wait)"])
        assert all(said.values())
        assert all("api.test could not be reached" in text for text, _ in ends if text != "sent")
        hung.release()
        await pacer.close()

    virtual_time.run(main())


def test_who_has_risen_may_wait_as_long_as_before() -> None:
    """A normal call that competes with interactive ones keeps its ten minutes."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(PacingSettings(), clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        where = origin(minute_s=60.0)
        permit = await pacer.acquire(call("x", where))
        entry = entry_of(call("y", where), None, loop.time())
        assert patience_of(pacer.settings, permit.place[1], entry) == (600.0, "queue.max_wait")
        entry.priority, entry.rose = Priority.INTERACTIVE, True
        assert patience_of(pacer.settings, permit.place[1], entry) == (600.0, "queue.max_wait")
        permit.release()
        await pacer.close()

    virtual_time.run(main())
