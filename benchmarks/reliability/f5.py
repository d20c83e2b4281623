"""F5: places in which somebody could swap the socket, or where there can be no lock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.reliability.daemons import Sluice, daemon
from benchmarks.reliability.figure import Figure

SHORT = 0.9
NO_LOCK = """
import errno, fcntl, sys
def flock(*given):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = flock
from daemon.cli import main
sys.exit(main(sys.argv[1:]))
"""
HUMBLE = """
import ctypes, os, sys
if os.geteuid() == 0:
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Goes on as a program for which modes hold: root's is without what lets root write everywhere."""


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
    """Start the daemon in each, and look at what it says and leaves. What a short run cannot look at is said."""
    found: dict[str, bool | None] = {name: _refused(make, "s") for name, make in PLACES.items()}
    found |= {"too long": _refused(None, "x" * 120), "no locks": _without_locks()}
    found |= {"a folder that one may not write": _read_only("s"), "a folder in such a one": _read_only("t/s")}
    found |= {"a disk that takes nothing": _on_a_disk_that_takes_nothing()}
    wrong = [name for name, refused in found.items() if refused is False]
    missing = [name for name, refused in found.items() if refused is None]
    reached = f"{sum(map(bool, found.values()))} of {len(found)} refused in words"
    reached += f", not: {', '.join(wrong)}" if wrong else ""
    reached += f"; not looked at: {', '.join(missing)}" if missing else ""
    target = "each refused with reason and mend, 0 files made"
    ok = not wrong and (not missing or scale < 1)
    return Figure("F5", "places that are not safe", target, reached, ok=ok)


def _refused(make: Callable[[Path], None] | None, path: str) -> bool:
    with daemon(begin=False) as sluice:
        if make is not None:
            make(sluice.folder / "place")
        return _said_no(sluice, sluice.folder / "place" / path if make is not None else sluice.folder / path)


def _said_no(sluice: Sluice, place: Path, *start: str) -> bool:
    """True if the daemon, begun by START, refuses PLACE in one line that says what to do, and makes nothing there."""
    before = set(map(str, sluice.folder.rglob("*")))
    command = [*start, sys.executable, "-m", "daemon", "serve", "--socket", str(place)]
    done = _run(sluice, [*command, "--state-dir", str(sluice.state_dir)])
    made = set(map(str, sluice.folder.rglob("*"))) - before
    mends = ("choose", "run:", "give", "set ")
    told = len(done.stderr.splitlines()) == 1 and any(word in done.stderr.lower() for word in mends)
    return done.returncode == 1 and told and not [name for name in made if "/place/" in name or "/real/" in name]


def _run(sluice: Sluice, command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=dict(sluice.env), cwd=sluice.folder, capture_output=True, text=True, timeout=30, check=False
    )


def _read_only(path: str) -> bool | None:
    """The same at PATH in a folder that is the daemon's own, but which it may not write. None where it may all the
    same."""
    with daemon(begin=False) as sluice:
        place, start = sluice.folder / "place", (sys.executable, "-c", HUMBLE)
        place.mkdir(mode=0o500)
        trial = [*start, sys.executable, "-c", "open('place/t', 'x')"]
        if _run(sluice, trial).returncode == 0:
            return None
        return _said_no(sluice, place / path, *start)


def _on_a_disk_that_takes_nothing() -> bool | None:
    """The same on a disk that can only be read. None where there can be none."""
    with daemon(begin=False) as sluice:
        place = sluice.folder / "place"
        place.mkdir(mode=0o700)
        if not _mounted("--bind", str(place), str(place)):
            return None
        try:
            if not _mounted("-o", "remount,bind,ro", str(place)):
                return None
            return _said_no(sluice, place / "s")
        finally:
            subprocess.run(["umount", "-l", str(place)], check=True)


def _mounted(*arguments: str) -> bool:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _without_locks() -> bool:
    with daemon(begin=False) as sluice:
        done = _run(sluice, [sys.executable, "-c", NO_LOCK, *list(sluice.command)[3:]])
        return done.returncode == 1 and "cannot be locked" in done.stderr and not sluice.socket.exists()
