"""F22: many calls, a third of whose clients leave in the middle: does anything pile up?"""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from benchmarks.reliability.daemons import (
    HELLO,
    chat,
    config,
    daemon,
    exchange,
    open_files,
    resident_kib,
    sandbox,
    status,
    until,
)  # fmt: skip
from benchmarks.reliability.figure import Figure, count, percentile

SHORT = 0.0006
THREADS = 4


def measure(scale: float) -> Figure:
    """A warm-up, then the calls."""
    n = count(1_000_000, scale)
    took: list[float] = []
    with sandbox() as provider, daemon(config(provider.url, more="journal: {max_bytes: 64MiB}\n")) as sluice:
        _work(sluice.socket, max(200, n // 20), [])
        files, memory = open_files(sluice.pid), resident_kib(sluice.pid)
        failed = _work(sluice.socket, n, took)
        until(lambda: open_files(sluice.pid) <= files, 35)
        files_after, memory_after = open_files(sluice.pid), resident_kib(sluice.pid)
        wal = sluice.state_dir / "journal.db-wal"
        wal_mib = wal.stat().st_size / 2**20 if wal.exists() else 0.0
    more = (memory_after - memory) / memory
    # the warm-up of a short run is too short for what a long one fills once: caches, the allocator's arenas
    bound = 0.05 if n >= 100_000 else 0.5
    return Figure(
        "F22",
        f"{n} calls, a third left in the middle",
        f"descriptors as after the warm-up, memory +< {bound:.0%}, WAL < 16 MiB, 0 failed",
        f"{files} and then {files_after} descriptors, memory {more:+.1%}, WAL {wal_mib:.1f} MiB, {failed} failed, "
        f"a question in the midst answered p99 {percentile(took, 0.99) * 1000:.1f} ms",
        ok=files_after <= files + 2 and more < bound and wal_mib < 16 and not failed,
    )


def _work(path: object, n: int, took: list[float]) -> int:
    failed, lock, left = 0, threading.Lock(), iter(range(n))

    def run() -> None:
        nonlocal failed
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            good = _leave(path) if number % 3 == 0 else status(exchange(str(path), chat(stream=number % 2 == 0))) == 200
            if number % 50 == 0:
                began = time.monotonic()
                exchange(str(path), HELLO)
                took.append(time.monotonic() - began)
            with lock:
                failed += not good

    workers = [threading.Thread(target=run) for _ in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return failed


def _leave(path: object) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(10)
        visitor.connect(str(path))
        visitor.sendall(chat(stream=True))
    return True
