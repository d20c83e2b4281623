"""F4: another user, where the modes of files would let it in."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.reliability.daemons import Rpc, daemon
from benchmarks.reliability.figure import Figure, count

SHORT = 0.05
NOBODY = 65534
VISIT = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
answered = refused = 0
for _ in range(int(sys.argv[2])):
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(10)
        visitor.connect(sys.argv[1])
        try:
            visitor.sendall(b"GET /_sluice/hello HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
            got = visitor.recv(100)
        except OSError:
            got = b""
        answered += bool(got)
        refused += not got
print(answered, refused)
"""


def measure(scale: float) -> Figure:
    """Connect as nobody to a socket of mode 0777 in open folders."""
    visits = count(1000, scale)
    what, target = f"{visits} connects of another uid to a socket of mode 0777", "0 answered, all turned away"
    if os.geteuid() != 0:
        return Figure("F4", what, target, "NOT MEASURED: only root can become another user", ok=True)
    with daemon() as sluice:
        folder = sluice.socket.parent
        for place in (folder, *list(folder.parents)[:-2]):
            place.chmod(place.stat().st_mode | 0o055)
        sluice.socket.chmod(0o777)
        run = [sys.executable, "-c", VISIT, str(sluice.socket), str(visits)]
        done = subprocess.run(run, capture_output=True, text=True, timeout=300, check=True)
        answered, refused = map(int, done.stdout.split())
        folder.chmod(0o700)
        with Rpc(sluice.socket) as rpc:
            served = rpc.call("hello")["pid"] == sluice.pid
    reached = f"{answered} answered, {refused} turned away"
    return Figure("F4", what, target, reached, ok=answered == 0 and refused == visits and served)
