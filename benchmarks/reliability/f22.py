"""F22: many calls, a third of whose clients leave in the middle: does anything pile up, is anybody kept waiting?"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.daemons import Sluice, config, daemon, open_files, resident_kib, until
from benchmarks.reliability.figure import Figure, count, percentile
from benchmarks.toll.caller import Caller, Place
from benchmarks.toll.contenders import Provider

SHORT = 0.0006
WORKERS = 2
PATIENCE_S = 60.0


def measure(scale: float) -> Figure:
    """A warm-up, then the calls. The provider states limits that are never reached: with none at all Sluice would not
    let so many go at once. The full warm-up outlasts the two minutes of which the pacer remembers each call."""
    n = count(1_000_000, scale)
    with tempfile.TemporaryDirectory(prefix="slu") as folder:
        return asyncio.run(_measure(n, Path(folder)))


async def _measure(n: int, folder: Path) -> Figure:
    provider = Provider(folder / "provider", 5, 1.0)
    await provider.start()
    text = config(f"http://127.0.0.1:{provider.port}", more="journal: {max_bytes: 64MiB}\n")
    try:
        with daemon(text) as sluice:
            await _work(sluice, max(200, n // 8))
            files, memory = open_files(sluice.pid), resident_kib(sluice.pid)
            failed, took = await _work(sluice, n)
            await asyncio.to_thread(until, lambda: open_files(sluice.pid) <= files, 35)
            files_after, memory_after = open_files(sluice.pid), resident_kib(sluice.pid)
            wal = sluice.state_dir / "journal.db-wal"
            wal_mib = wal.stat().st_size / 2**20 if wal.exists() else 0.0
    finally:
        await provider.stop()
    more, late_ms = (memory_after - memory) / memory, percentile(took, 0.99) * 1000
    # the warm-up of a short run is too short for what a long one fills once, and it shares the machine with others
    bound, most_ms = (0.05, 5.0) if n >= 100_000 else (0.5, 500.0)
    return Figure(
        "F22",
        f"{n} calls of {WORKERS} clients, a third left in the middle",
        f"descriptors as after the warm-up, memory +< {bound:.0%}, WAL < 16 MiB, 0 failed, p99 < {most_ms:g} ms",
        f"{files} and then {files_after} descriptors, memory {more:+.1%}, WAL {wal_mib:.1f} MiB, {failed} failed, "
        f"a whole call p99 {late_ms:.1f} ms",
        ok=files_after <= files + 2 and more < bound and wal_mib < 16 and not failed and late_ms < most_ms,
    )


async def _work(sluice: Sluice, n: int) -> tuple[int, list[float]]:
    """N calls; how many failed, and the seconds that plain ones took."""
    place = Place(str(sluice.socket), "api.openai.com")
    numbers, took = iter(range(n)), list[float]()
    failed = sum(await asyncio.gather(*[_client(place, numbers, took) for _ in range(WORKERS)]))
    return failed, took


async def _client(place: Place, numbers: Iterator[int], took: list[float]) -> int:
    """One client: a plain call, a stream, one that it leaves, and so on. How many failed."""
    failed, caller = 0, await place.connect(Caller)
    plain, stream = place.request(), place.request(stream=True)
    for number in numbers:
        if number % 3 == 0:
            await _leave(place, stream, at_once=number % 2 == 0)
            continue
        try:
            seconds = await _whole(caller, plain if number % 3 == 1 else stream)
            if number % 3 == 1:
                took.append(seconds)
        except Exception:
            failed += 1
            caller.transport.abort()
            caller = await place.connect(Caller)
    caller.transport.abort()
    return failed


async def _whole(caller: Caller, request: bytes) -> float:
    """Seconds until the answer was whole. Raises Refused."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(_: Caller) -> None:
        if not done.done():
            done.set_result(None)

    def lost(error: Exception) -> None:
        if not done.done():
            done.set_exception(error)

    caller.on_end, caller.on_loss = end, lost
    caller.send(request)
    await asyncio.wait_for(done, PATIENCE_S)
    return caller.ended - caller.begun


async def _leave(place: Place, request: bytes, *, at_once: bool) -> None:
    """Ask for a stream and go: AT_ONCE, or with its first bytes."""
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_unix_connection(str(place.address))
        writer.write(request)
        await writer.drain()
        if not at_once:
            await asyncio.wait_for(reader.read(100), PATIENCE_S)
        writer.transport.abort()
