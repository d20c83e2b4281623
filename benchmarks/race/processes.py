"""The simulated provider and the daemon as processes of their own: started, asked, killed, started again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from daemon.sandbox.settings import SandboxSettings

ROOT = Path(__file__).resolve().parents[2]
READY_S = 30.0
STOP_S = 20.0


class Process:
    """A process whose first line on stdout says that it is ready."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.command = command
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Its process id; only while it runs."""
        assert self._process is not None, "it was not started"
        return self._process.pid

    async def start(self) -> str:
        """Start it and return its first line. Raises RuntimeError, with its stderr, when it does not come up."""
        with (self.folder / "stderr.txt").open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *self.command, cwd=self.folder, env=_environment(self.folder), stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), READY_S)
        if not line:
            await self.stop()
            raise RuntimeError(f"{' '.join(self.command)} did not start:\n{self.stderr()}")
        self._drain = asyncio.create_task(_read_away(self._process.stdout))
        return line.decode().strip()

    def stderr(self) -> str:
        """The end of what it has complained about."""
        return (self.folder / "stderr.txt").read_text(errors="replace")[-3000:]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait; SIGKILL after a while. May be done twice."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.returncode is None:
            process.send_signal(number)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._drain is not None:
            await self._drain
            self._drain = None


async def _read_away(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass


def _environment(folder: Path) -> dict[str, str]:
    """As little as a program needs: nothing of the person's own settings and keys comes in."""
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}  # fmt: skip


class Folder:
    """A folder whose path is short enough for a socket; gone at the end."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="slu"))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


class Simulator:
    """`python -m daemon.sandbox` with SETTINGS."""

    def __init__(self, settings: SandboxSettings, folder: Path) -> None:
        self.settings = settings
        command = [sys.executable, "-m", "daemon.sandbox", "--port", "0", *flags(settings)]
        self._process = Process(command, folder)
        self.url = ""

    async def start(self) -> None:
        """Start it; `url` is then its base URL, without /v1."""
        self.url = await self._process.start()

    async def accepted(self) -> int:
        """How many calls it has let in."""
        return int((await self._get("counts"))["accepted"])

    async def seen(self) -> list[dict[str, Any]]:
        """Every request that came, oldest first; times are on this machine's monotonic clock."""
        seen: list[dict[str, Any]] = await self._get("seen")
        return seen

    async def _get(self, name: str) -> Any:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/_sandbox/{name}") as answer:
            return await answer.json()

    async def stop(self) -> None:
        """End it."""
        await self._process.stop()


def flags(settings: SandboxSettings) -> list[str]:
    """SETTINGS as the sandbox's flags; those with their default are left out."""
    out, defaults = [], SandboxSettings()
    for name in SandboxSettings.names():
        value = getattr(settings, name)
        if value == getattr(defaults, name):
            continue
        flag = (name.removesuffix("_s") if name.endswith("_s") else name).replace("_", "-")
        if isinstance(value, bool):
            out.append(f"--{'' if value else 'no-'}{flag}")
        elif isinstance(value, Mapping):
            out += [f"--{flag}", ",".join(f"{status}:{rate}" for status, rate in value.items())]
        else:
            out += [f"--{flag}", "none" if value is None else str(value)]
    return out


class Daemon:
    """`python -m daemon serve` with CONFIG, an empty home and a state folder that outlives a restart."""

    def __init__(self, config: str, folder: Path) -> None:
        self.socket = folder / "s"
        (folder / "config.yaml").write_text(config)
        self._process = Process(
            [sys.executable, "-m", "daemon", "serve", "--socket", str(self.socket),
             "--config", str(folder / "config.yaml"), "--state-dir", str(folder / "state")],
            folder,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def start(self) -> None:
        """Start it; it answers when this returns."""
        await self._process.start()

    async def kill9(self) -> None:
        """As the kernel does it when memory is short."""
        await self._process.stop(signal.SIGKILL)

    async def stop(self) -> None:
        """End it in good order."""
        await self._process.stop()

    def complaints(self) -> str:
        """A traceback on its stderr, or nothing."""
        text = self._process.stderr()
        return text if "Traceback" in text else ""
