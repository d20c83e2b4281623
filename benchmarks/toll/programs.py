"""Contenders as processes: started, asked how much memory, processor time and how many wake-ups they take, stopped.

What is read is in /proc, and open to all there: a daemon that keeps its memory private still tells this much.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
STOP_S = 20.0


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """As little as a program needs: nothing of the person's own settings and keys comes in."""
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": str(ROOT), **(more or {})}  # fmt: skip


class Program:
    """A process and its children."""

    def __init__(self, command: Sequence[str], folder: Path, more: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        with (folder / "output.txt").open("wb") as output:
            self._process = subprocess.Popen(
                list(command), cwd=folder, env=environment(folder, more), stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    @property
    def running(self) -> bool:
        """False when it has ended by itself."""
        return self._process.poll() is None

    def output(self) -> str:
        """The end of what it has said."""
        return (self.folder / "output.txt").read_text(errors="replace")[-1500:]

    async def stop(self) -> None:
        """End it with all its children, by force if it takes too long."""
        group = self._process.pid
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(group, number)
            except ProcessLookupError:
                break
            if await asyncio.to_thread(self._ended):
                break

    def _ended(self) -> bool:
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return False
        return True

    def resident(self) -> float:
        """Resident memory in MiB, children included."""
        return sum(_resident(pid) for pid in self._family()) / 2**20

    def processor_s(self) -> float:
        """Seconds of processor time so far, children included, in steps of 10 ms."""
        return sum(_processor(pid) for pid in self._family()) / TICKS

    def wake_ups(self) -> int:
        """How often a thread of it has gone to sleep of its own will: each is a wake-up that ended in waiting."""
        return sum(_switches(pid) for pid in self._family())

    def _family(self) -> list[int]:
        family, new = [], [self._process.pid]
        while new:
            family += new
            new = [child for parent in new for child in _children(parent)]
        return family


def _children(pid: int) -> list[int]:
    try:
        lists = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(word) for text in lists for word in text.split()]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


def _processor(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _switches(pid: int) -> int:
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return total
