"""What the pacer itself costs: time for an admission while many wait, and wake-ups while nothing does."""

from __future__ import annotations

import asyncio
import gc
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.race.entrant import Track
from benchmarks.race.jobs import Job, Size
from benchmarks.race.processes import Folder, Simulator
from benchmarks.race.sluice import Sluice
from daemon.model import Ask, Call, Estimate, Limit, Origin, Priority, Scope
from daemon.pacing import Pacer
from daemon.redact import Sealed
from daemon.sandbox.settings import SandboxSettings

FEW, MANY = 100, 10_000
ADMISSION_US = 100.0
SETTLE_S, IDLE_S = 20.0, 15.0


async def measure() -> dict[str, Any]:
    """All figures of this page."""
    few, many = await admission_us(FEW), await admission_us(MANY)
    return {
        f"admission_us_{FEW}_waiting": round(few, 1),
        f"admission_us_{MANY}_waiting": round(many, 1),
        "growth": round(many / few, 2),
        "log_growth": round(math.log2(MANY) / math.log2(FEW), 2),
        "idle_wakeups": await idle_wakeups(),
    }


def misses(found: Mapping[str, Any]) -> list[str]:
    """The bounds that FOUND does not keep."""
    out = []
    if found[f"admission_us_{MANY}_waiting"] >= ADMISSION_US:
        out.append(f"an admission with {MANY} waiting takes {found[f'admission_us_{MANY}_waiting']} microseconds")
    if found["growth"] > found["log_growth"] * 1.1:
        out.append(f"it grows by {found['growth']}, log n by {found['log_growth']}")
    if found["idle_wakeups"]:
        out.append(f"{found['idle_wakeups']} wake-ups in {IDLE_S:g} s without work")
    return out


async def admission_us(waiting: int, count: int = 4000, rounds: int = 5) -> float:
    """Microseconds of CPU from one call's start to the next one's, while WAITING calls wait; the best round.

    It takes in everything: the release, the settlement, the choice, the ledgers of two limits, the wake-up of the
    waiting task. What limits is concurrency, so that no clock plays a part.
    """
    return min([await _admissions(waiting, count) for _ in range(rounds)])


async def _admissions(waiting: int, count: int) -> float:
    pacer = Pacer()
    origin = Origin(
        "provider.test", "https://provider.test", "openai-compatible",
        (Limit("requests", 1e9, 60.0, "minute"), Limit("tokens", 1e12, 60.0, "minute"), Limit("concurrency", 1)),
    )  # fmt: skip
    done = 0

    async def one(number: int) -> None:
        nonlocal done
        permit = await pacer.acquire(_call(number, origin))
        permit.answered(200, (), streamed=False)
        permit.settle(None)
        done += 1
        permit.release()

    held = await pacer.acquire(_call(-1, origin))
    # The pool allows a cold start four unanswered calls; the first answer has come.
    held.answered(200, (), streamed=False)
    tasks = {asyncio.create_task(one(number)) for number in range(waiting + count)}
    await asyncio.sleep(0)
    gc.collect()
    gc.disable()
    begun = time.process_time()
    try:
        held.release()
        while done < count:  # noqa: ASYNC110 - an event would cost time of its own
            await asyncio.sleep(0)
        return (time.process_time() - begun) / done * 1e6
    finally:
        gc.enable()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await pacer.close()


def _call(number: int, origin: Origin) -> Call:
    """One of many, from ten clients."""
    return Call(
        f"call{number}", origin, Scope(origin.host, "key:bench", "m"), "POST", Sealed("/v1/chat/completions"), (), b"",
        Ask("chat", "m"), Estimate(80.0, 80.0, 20.0), f"client{number % 10}", None, Priority.NORMAL,
    )  # fmt: skip


async def idle_wakeups(settle_s: float = SETTLE_S, idle_s: float = IDLE_S) -> int:
    """How often the daemon wakes up in IDLE_S seconds, SETTLE_S after its last call. Linux only."""
    settings = SandboxSettings(minute_s=6.0)
    sluice = Sluice()
    with Folder() as folder:
        (folder / "p").mkdir()
        (folder / "d").mkdir(mode=0o700)
        provider = Simulator(settings, folder / "p")
        await provider.start()
        try:
            await sluice.begin(Track(provider.url, "CANARY-idle", Size(60, 40_000), 6.0, folder / "d"))
            try:
                await asyncio.gather(*(sluice.send(Job(f"idle{n}", 20, 16)) for n in range(3)))
                await sluice.hang_up()
                await asyncio.sleep(settle_s)
                before = _switches(sluice.daemon.pid)
                await asyncio.sleep(idle_s)
                return _switches(sluice.daemon.pid) - before
            finally:
                await sluice.end()
        finally:
            await provider.stop()


def _switches(pid: int) -> int:
    """Voluntary context switches of all threads: each is a wake-up that ended in waiting again."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total
