"""What a person waits for at a terminal: the daemon's start, and its commands; and what it does while nobody asks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from benchmarks.toll.caller import Caller, load
from benchmarks.toll.contenders import CONTENDERS, Provider, Running, start, without_uvloop
from benchmarks.toll.programs import environment
from benchmarks.toll.rounds import tell

ENTRY = "import sys; from daemon.cli import main; sys.exit(main())"
"""What the installed command `daemon` does."""
COMMANDS: Mapping[str, Sequence[str]] = {
    "daemon status": ("status",),
    "daemon explain": ("explain", "last-failed"),
    "daemon curl": ("curl", "last-failed"),
}
LOOK_S = 0.25
SETTLE_S = 135.0
"""Until connections that nobody uses any more are closed on both sides, and the journal, which looks after its file up
to two times after the last call, a minute apart, has done so: neither happens again and again."""


async def starts(folder: Path, rounds: int, names: Sequence[str]) -> dict[str, list[float]]:
    """Seconds to the first answered call for each of NAMES, and for `import aiohttp`, in each round."""
    found: dict[str, list[float]] = {"import aiohttp": [], **{name: [] for name in names}}
    provider = Provider(folder / "provider", 2, 1.0)
    await provider.start()
    try:
        for number in range(rounds + 1):  # the first one writes bytecode, and does not count
            tell(f"start: round {number} of {rounds}")
            took = {"import aiohttp": await asyncio.to_thread(timed, ["-c", "import aiohttp"], folder)}
            for name in names:
                one = await start(CONTENDERS[name], folder / f"{name}{number}", provider.port)
                took[name] = one.started_s
                await one.stop()
            if number:
                for name, seconds in took.items():
                    found[name].append(seconds)
    finally:
        await provider.stop()
    return found


async def commands(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of each command beside a running daemon, and of a Python that does nothing, in each round."""
    nothing = "python -c pass"
    found: dict[str, list[float]] = {nothing: [], **{name: [] for name in COMMANDS}}
    provider = Provider(folder / "provider", 2, 1.0)
    await provider.start()
    try:
        place = folder / "cli"
        one = await start(CONTENDERS["sluice"], place, provider.port)
        try:
            await a_failure(one)
            where = {"SLUICE_SOCKET": str(one.place.address), "SLUICE_STATE_DIR": str(place / "state"),
                     "SLUICE_CONFIG": str(place / "config.yaml")}  # fmt: skip
            for number in range(rounds + 1):
                took = {nothing: await asyncio.to_thread(timed, ["-c", "pass"], place)}
                for name, arguments in COMMANDS.items():
                    took[name] = await asyncio.to_thread(timed, ["-c", ENTRY, *arguments], place, where)
                if number:
                    for name, seconds in took.items():
                        found[name].append(seconds)
        finally:
            await one.stop()
    finally:
        await provider.stop()
    return found


async def a_failure(one: Running) -> None:
    """Make one call fail, so that there is something to explain: the host is known, and nobody is there."""
    place = replace(one.place, host="127.0.0.1:9")
    done = asyncio.get_running_loop().create_future()
    caller = await place.connect(Caller)
    caller.on_loss = lambda error: done.done() or done.set_result(None)
    caller.on_end = lambda caller: done.done() or done.set_exception(RuntimeError("it should have failed"))
    caller.send(place.request())
    await asyncio.wait_for(done, 60)
    caller.transport.abort()


def timed(arguments: Sequence[str], folder: Path, more: Mapping[str, str] | None = None) -> float:
    """Seconds that Python takes with ARGUMENTS. Raises CalledProcessError when it fails."""
    around = environment(folder, {**without_uvloop(folder), **(more or {})})
    begun = perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=folder, env=around, check=True, capture_output=True, timeout=60)
    return perf_counter() - begun


async def wake_ups(folder: Path, names: Sequence[str], seconds: float, settle_s: float = SETTLE_S) -> dict[str, float]:
    """At how many moments each of NAMES wakes up in a minute in which nobody asks, after some calls.

    A moment is a quarter of a second: what happens in one belongs to one wake-up.
    """
    provider = Provider(folder / "provider", 2, 1.0)
    await provider.start()
    running: list[Running] = []
    try:
        for name in names:
            running.append(await start(CONTENDERS[name], folder / f"{name}-idle", provider.port))
            await load(running[-1].place, [running[-1].place.request()], calls=50, connections=5)
        tell(f"idle: {settle_s + seconds:g} s")
        await asyncio.sleep(settle_s)
        counts = await watch(running, seconds)
    finally:
        for one in running:
            await one.stop()
        await provider.stop()
    return {name: count * 60 / seconds for name, count in zip(names, counts, strict=True)}


async def watch(running: Sequence[Running], seconds: float) -> list[int]:
    """At how many moments of SECONDS each of RUNNING was awake."""
    counts, loop = [0] * len(running), asyncio.get_running_loop()
    before = [_seen(one) for one in running]
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(LOOK_S)
        now = [_seen(one) for one in running]
        counts = [count + (new > old) for count, new, old in zip(counts, now, before, strict=True)]
        before = now
    return counts


def _seen(one: Running) -> int:
    return one.program.wake_ups() if one.program is not None else 0
