"""F3: one daemon after the other takes the place of the one before, while calls run."""

from __future__ import annotations

import contextlib

from benchmarks.reliability.daemons import (
    HELLO,
    READY,
    Rpc,
    Running,
    config,
    daemon,
    exchange,
    params,
    repeated,
    sandbox,
    status,
    until,
)
from benchmarks.reliability.figure import Figure, count

SHORT = 0.02


def measure(scale: float) -> Figure:
    """Replace, while visitors knock all the time and a stream runs in the one that goes."""
    times = count(100, scale)
    failed, knocks, cut, whole, codes = 0, 0, 0, 0, []
    with sandbox(chunk_s=0.01) as provider, daemon(config(provider.url)) as sluice, contextlib.ExitStack() as stack:

        def knock() -> None:
            nonlocal failed, knocks
            knocks += 1
            try:
                failed += status(exchange(sluice.socket, HELLO)) != 200
            except (OSError, ValueError):
                failed += 1

        current: Running = sluice
        with repeated(knock):
            for number in range(times):
                with Rpc(sluice.socket) as rpc:
                    stream = rpc.start("chat", **params("long-100"))
                    rpc.wait_for("delta")
                    folder = sluice.folder / f"next{number}"
                    folder.mkdir()
                    fresh = Running([*sluice.command, "--replace"], sluice.env, folder)
                    stack.callback(fresh.stop)
                    fresh.start(READY)
                    with contextlib.suppress(Exception):
                        whole += rpc.result(stream)["finish"] == "stop"
                cut = number + 1 - whole
                codes.append(current.wait(60))
                current = fresh
                until(lambda: exchange(sluice.socket, HELLO))
    return Figure(
        "F3",
        f"{times} replacements under {knocks} connects",
        "0 failed connects, 0 cut streams",
        f"{failed} failed, {cut} cut, {sum(code != 0 for code in codes)} ended with an error",
        ok=not failed and not cut and codes == [0] * times,
    )
