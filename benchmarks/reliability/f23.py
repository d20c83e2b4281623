"""F23: told to stop while streams run."""

from __future__ import annotations

import signal
import sqlite3
import time

from benchmarks.reliability.daemons import Rpc, config, daemon, params, sandbox
from benchmarks.reliability.figure import Figure, count, percentile

SHORT = 0.015
DRAIN_S = 0.5
STREAMS = 5


def measure(scale: float) -> Figure:
    """Some streams would go on for minutes; the time to end is short."""
    n = count(200, scale)
    took: list[float] = []
    orphans = left = 0
    with (
        sandbox(chunk_s=0.05) as provider,
        daemon(config(provider.url, more=f"drain: {DRAIN_S * 1000:.0f}ms\n")) as sluice,
    ):
        for number in range(n):
            if number:
                sluice.begin()
            with Rpc(sluice.socket) as rpc:
                for _ in range(STREAMS):
                    rpc.start("chat", **params("long-5000"))
                rpc.wait_for("delta")
                began = time.monotonic()
                sluice.signal(signal.SIGTERM)
                sluice.wait(60)
                took.append(time.monotonic() - began)
            orphans += sluice.socket.exists()
            with sqlite3.connect(sluice.state_dir / "journal.db") as db:
                left += db.execute(
                    "SELECT count(*) FROM calls WHERE state IN ('waiting', 'running', 'held')"
                ).fetchone()[0]
            db.close()
    longest, more = percentile(took, 1.0), 2.0 if scale >= 0.1 else 15.0  # a short run shares the machine with others
    return Figure(
        "F23",
        f"{n} ends with {STREAMS} open streams, drain {DRAIN_S:g} s",
        f"done within drain + {more:g} s, 0 sockets left, each row ended",
        f"at most {longest:.2f} s, {orphans} sockets left, {left} rows without an end",
        ok=longest < DRAIN_S + more and not orphans and not left,
    )
