"""F2: many starts at once: one daemon, and the others say who it is."""

from __future__ import annotations

import os
import subprocess
import time

from benchmarks.reliability.daemons import HELLO, daemon, exchange, json_of, until
from benchmarks.reliability.figure import Figure, count

SHORT = 0.005
STARTS = 20
BUSY_S = 60.0
"""In a short run, which shares the machine with other tests: slow is not wrong there."""


def measure(scale: float) -> Figure:
    """Rounds of STARTS processes for the same socket and state."""
    rounds, bound = count(200, scale), 1.0 if scale >= 0.1 else BUSY_S
    odd, stolen, slowest = 0, 0, 0.0
    for _ in range(rounds):
        with daemon(begin=False) as sluice:
            env = dict(sluice.env)
            started = [
                subprocess.Popen(sluice.command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for _ in range(STARTS)
            ]
            try:
                until(lambda started=started: sum(one.poll() is None for one in started) <= 1, 300)
                left = [one for one in started if one.poll() is None]
                codes = [one.returncode for one in started if one not in left]
                odd += len(left) != 1 or codes != [3] * (STARTS - 1)
                if left:
                    until(sluice.socket.exists, 60)
                    answering = json_of(exchange(sluice.socket, HELLO))["pid"]
                    stolen += answering != left[0].pid
                    began = time.monotonic()
                    late = subprocess.run(sluice.command, env=env, capture_output=True, check=False)
                    slowest = max(slowest, time.monotonic() - began)
                    odd += late.returncode != 3 or os.fsencode(str(left[0].pid)) not in late.stderr
            finally:
                for one in started:
                    one.terminate()
                    one.wait(30)
    return Figure(
        "F2",
        f"{rounds} rounds of {STARTS} starts at once",
        f"one winner each, 0 stolen sockets, a loser ends with 3 in < {bound:g} s",
        f"{odd} rounds otherwise, {stolen} stolen, a loser alone took at most {slowest:.2f} s",
        ok=not odd and not stolen and slowest < bound,
    )
