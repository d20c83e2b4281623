"""F15: no descriptor is left."""

from __future__ import annotations

import contextlib
import resource
import socket
import time

from benchmarks.reliability.daemons import HELLO, daemon, exchange, status
from benchmarks.reliability.figure import Figure

SHORT = 0.03
LIMIT = 64


def measure(scale: float) -> Figure:
    """Visitors who say nothing take all descriptors for a minute."""
    seconds = max(2.0, 60.0 * scale)
    with daemon(begin=False) as sluice:
        sluice.command = ["sh", "-c", f'ulimit -Sn {LIMIT}; ulimit -Hn {LIMIT}; exec "$@"', "sh", *sluice.command]
        sluice.begin()
        assert resource.prlimit(sluice.pid, resource.RLIMIT_NOFILE) == (LIMIT, LIMIT)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with contextlib.ExitStack() as stack:
                for _ in range(150):
                    visitor = stack.enter_context(socket.socket(socket.AF_UNIX))
                    visitor.settimeout(5)
                    with contextlib.suppress(OSError):
                        visitor.connect(str(sluice.socket))
                time.sleep(min(5.0, max(0.0, ends - time.monotonic())))
        began = time.monotonic()
        served = False
        while not served and time.monotonic() - began < 20:
            with contextlib.suppress(OSError, ValueError):
                served = status(exchange(sluice.socket, HELLO)) == 200
        after = time.monotonic() - began
        alive, lines = sluice.alive, len(sluice.stderr.splitlines())
    bound = 2.0 if scale >= 0.1 else 15.0  # a short run shares the machine with other tests
    return Figure(
        "F15",
        f"{LIMIT} descriptors and 150 silent visitors for {seconds:.0f} s",
        f"0 crashes, < 100 log lines, normal in < {bound:g} s",
        f"{0 if alive else 1} crashes, {lines} log lines, served after {after:.2f} s",
        ok=alive and served and lines < 100 and after < bound,
    )
