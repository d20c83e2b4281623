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
    free_port,
    hello_by_tcp,
    params,
    repeated,
    sandbox,
    status,
    until,
)
from benchmarks.reliability.figure import Figure, count

SHORT = 0.02


def measure(scale: float) -> Figure:
    """Replace, while visitors knock all the time, by the socket and by TCP, and a stream runs in the one that goes."""
    times, port = count(100, scale), free_port()
    failed, knocks, cut, whole, codes = 0, 0, 0, 0, []
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(sandbox(chunk_s=0.01))
        sluice = stack.enter_context(daemon(config(provider.url, more=f"listen: 127.0.0.1:{port}\n")))

        def knock() -> None:
            nonlocal failed, knocks
            for ask in (lambda: exchange(sluice.socket, HELLO), lambda: hello_by_tcp(sluice, port)):
                knocks += 1
                try:
                    failed += status(ask()) != 200
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
        f"{times} replacements under {knocks} connects, half of them by TCP",
        "0 failed connects, 0 cut streams",
        f"{failed} failed, {cut} cut, {sum(code != 0 for code in codes)} ended with an error",
        ok=not failed and not cut and codes == [0] * times,
    )
