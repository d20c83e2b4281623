"""F4: another user, where the modes of files would let it in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.reliability.daemons import Rpc, Sluice, daemon
from benchmarks.reliability.figure import Figure, count

SHORT = 0.05
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
COUNTED = """
import os, sys
from daemon.doors import porter
notes = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
def noted(step):
    def call(*given):
        os.write(notes, b".")
        return step(*given)
    return call
porter.Visitor.data_received = noted(porter.Visitor.data_received)
from daemon.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""The daemon, which notes whenever the bytes of a visitor are looked at: what every handler's work begins with."""


def measure(scale: float) -> Figure:
    """Connect as nobody to a socket of mode 0777 in open folders; then as oneself, who must be noted."""
    visits = count(1000, scale)
    what = f"{visits} connects of another uid to a socket of mode 0777"
    target = "0 answered, all turned away, 0 handlers ran"
    if os.geteuid() != 0:
        return Figure("F4", what, target, "NOT MEASURED: only root can become another user", ok=scale < 0.1)
    with daemon(begin=False) as sluice:
        notes = sluice.folder / "notes"
        sluice.command = [sys.executable, "-c", COUNTED, str(notes), *list(sluice.command)[3:]]
        sluice.begin()
        answered, refused = visited(sluice, visits)
        handled = notes.stat().st_size
        with Rpc(sluice.socket) as rpc:
            served = rpc.call("hello")["pid"] == sluice.pid
        noted = notes.stat().st_size > handled
    reached = f"{answered} answered, {refused} turned away, {handled} handlers ran"
    ok = answered == handled == 0 and refused == visits and served and noted
    return Figure("F4", what, target, reached, ok=ok)


def visited(sluice: Sluice, visits: int) -> tuple[int, int]:
    """Open the daemon's folders and its socket to all, and connect as nobody; how often that was answered, and not."""
    folder: Path = sluice.socket.parent
    for place in (folder, *list(folder.parents)[:-2]):
        place.chmod(place.stat().st_mode | 0o055)
    sluice.socket.chmod(0o777)
    run = [sys.executable, "-c", VISIT, str(sluice.socket), str(visits)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=300, check=True)
    folder.chmod(0o700)
    answered, refused = map(int, done.stdout.split())
    return answered, refused
