"""F1: kill -9, again and again: how soon does it serve again, and does what was told survive?"""

from __future__ import annotations

import sqlite3
import time

from benchmarks.reliability.daemons import Rpc, config, daemon, params, sandbox
from benchmarks.reliability.figure import Figure, count, percentile

SHORT = 0.003
BUSY_S = 20.0
"""In a short run, which shares the machine with other tests: slow is not wrong there."""


def measure(scale: float) -> Figure:
    """Kill the daemon while a stream runs; start it at once."""
    kills = count(1000, scale)
    told: set[str] = set()
    seconds, stale, lost = [], 0, 0
    with sandbox(chunk_s=0.02) as provider, daemon(config(provider.url)) as sluice:
        for _ in range(kills):
            with Rpc(sluice.socket) as rpc:
                told.add(rpc.call("chat", **params())["id"])
                told |= {row["id"] for row in rpc.call("calls", limit=20)["calls"]}
                rpc.start("chat", **params("long-200"))
                rpc.wait_for("delta")
                sluice.kill9()
            began = time.monotonic()
            try:
                sluice.begin()
            except AssertionError:
                stale += 1
                continue
            seconds.append(time.monotonic() - began)
        sluice.stop()
        with sqlite3.connect(sluice.state_dir / "journal.db") as database:
            whole = database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            there = {row[0] for row in database.execute("SELECT id FROM calls")}
        database.close()
        lost = len(told - there)
    p99, bound = percentile(seconds, 0.99), 1.0 if scale >= 0.1 else BUSY_S
    return Figure(
        "F1",
        f"{kills} kills of the loaded daemon",
        f"0 told rows lost, 0 corrupt, serves again p99 < {bound:g} s, 0 failed starts",
        f"{lost} of {len(told)} lost, {0 if whole else 1} corrupt, p99 {p99:.2f} s, {stale} failed starts",
        ok=not lost and whole and not stale and p99 < bound,
    )
