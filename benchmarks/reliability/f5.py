"""F5: places in which somebody could swap the socket, or where there can be no lock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.reliability.daemons import Sluice, daemon
from benchmarks.reliability.figure import Figure

SHORT = 1.0
NO_LOCK = """
import errno, fcntl, sys
def flock(*given):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = flock
from daemon.cli import main
sys.exit(main(sys.argv[1:]))
"""


def _link(folder: Path) -> None:
    folder.with_name("real").mkdir(mode=0o700)
    folder.symlink_to(folder.with_name("real"))


def _mode(mode: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir()
        folder.chmod(mode)

    return make


def _others(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    else:  # nobody can give a folder away but root: one of root's will do
        folder.rmdir()
        folder.symlink_to("/root")


PLACES: dict[str, Callable[[Path], None]] = {
    "symlink": _link,
    "owner": _others,
    "0755": _mode(0o755),
    "0777": _mode(0o777),
    "file": lambda folder: folder.touch(),
    "dangling": lambda folder: folder.symlink_to(folder.with_name("nowhere")),
}


def measure(scale: float) -> Figure:
    """Start the daemon in each, and look at what it says and leaves."""
    wrong = [name for name, make in PLACES.items() if not _refused(make)]
    wrong += [
        name for name, path in (("too long", "x" * 120), ("read-only", "")) if not _refused(None, path or "/proc/x/s")
    ]
    wrong += [] if _without_locks() else ["no locks"]
    n = len(PLACES) + 3
    reached = f"{n - len(wrong)} of {n} refused in words" + (f", not: {', '.join(wrong)}" if wrong else "")
    return Figure(
        "F5", "places that are not safe", "each refused with reason and mend, 0 files made", reached, ok=not wrong
    )


def _refused(make: Callable[[Path], None] | None, path: str = "") -> bool:
    with daemon(begin=False) as sluice:
        folder = sluice.folder / "place"
        if make is not None:
            make(folder)
        place = folder / "s" if make is not None else folder / path if not path.startswith("/") else Path(path)
        before = sorted(map(str, sluice.folder.rglob("*")))
        done = sluice.run("serve", "--socket", str(place), timeout_s=30)
        made = [name for name in map(str, sluice.folder.rglob("*")) if name not in before]
        told = len(done.stderr.splitlines()) == 1 and any(
            word in done.stderr for word in ("choose", "run:", "give", "Set ")
        )
        return done.returncode == 1 and told and not [name for name in made if "/place/" in name or "/real/" in name]


def _without_locks() -> bool:
    with daemon(begin=False) as sluice:
        command = _with(sluice, [sys.executable, "-c", NO_LOCK])
        done = subprocess.run(command, env=dict(sluice.env), capture_output=True, text=True, timeout=30, check=False)
        return done.returncode == 1 and "cannot be locked" in done.stderr and not sluice.socket.exists()


def _with(sluice: Sluice, start: list[str]) -> list[str]:
    return [*start, *list(sluice.command)[3:]]
