"""The real daemon and the sandbox: started, stopped, killed.

Each has a home of its own; all that they write is watched.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from stage.canary import Canary

ROOT = Path(__file__).resolve().parents[2]
READY_S = 30.0
STOP_S = 20.0

READY = re.compile(r"^sluice ready: unix:(?P<path>.+)$")

OUR_FAULTS = (
    "Traceback (most recent call last)",
    "was never awaited",
    "was never retrieved",
    "Task was destroyed but it is pending",
)
"""What a daemon that works never writes to stderr."""


class NotReady(AssertionError):
    """The process ended, or said nothing, instead of its ready line."""


@dataclass
class Running:
    """A process whose first lines are waited for. Its output goes to files, and its stdout is also kept as lines."""

    command: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    """Its working directory, with `stdout.txt` and `stderr.txt`; both grow over restarts."""
    process: subprocess.Popen[str] | None = None
    lines: list[str] = field(default_factory=list)
    """Of stdout, since the newest start."""
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False
    _stream: IO[str] | None = None

    def start(self, ready: re.Pattern[str], timeout_s: float = READY_S) -> re.Match[str]:
        """Start it and return the match of the line that says that it is ready. Raises NotReady."""
        with self._changed:
            self.lines, self._ended, self._stream = [], False, None
        with (self.folder / "stderr.txt").open("ab") as errors:
            self.process = subprocess.Popen(
                self.command, env=dict(self.env), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=errors, encoding="utf-8", errors="surrogateescape", start_new_session=True,
            )  # fmt: skip
        self._stream = self.process.stdout
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._match(ready), timeout_s)
            if found := self._match(ready):
                return found
        code = self.stop()
        raise NotReady(f"no line {ready.pattern!r} from {self.command}; exit code {code}; stderr:\n{self.stderr}")

    def _match(self, ready: re.Pattern[str]) -> re.Match[str] | None:
        return next((found for line in self.lines if (found := ready.match(line))), None)

    def _read(self, stream: IO[str]) -> None:
        with stream, (self.folder / "stdout.txt").open("a", encoding="utf-8", errors="surrogateescape") as copy:
            for line in stream:
                copy.write(line)
                copy.flush()
                with self._changed:
                    if self._stream is stream:
                        self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            if self._stream is stream:  # not that of a process before a restart, whose end is heard late
                self._ended = True
            self._changed.notify_all()

    @property
    def stderr(self) -> str:
        """All that it has written to stderr, over all starts."""
        return (self.folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")

    @property
    def stdout(self) -> str:
        """What it has written to stdout since the newest start."""
        with self._changed:
            return "".join(line + "\n" for line in self.lines)

    @property
    def pid(self) -> int:
        """Its process id. Raises AssertionError before the first start."""
        assert self.process is not None, "it was not started"
        return self.process.pid

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.process is not None:
            self.process.send_signal(number)

    def wait(self, timeout_s: float = STOP_S) -> int:
        """Return its exit code when it has ended. Raises subprocess.TimeoutExpired."""
        assert self.process is not None, "it was not started"
        return self.process.wait(timeout_s)

    def stop(self) -> int | None:
        """End it with SIGTERM, or SIGKILL when that does not help in time; return its exit code. Safe to do twice."""
        if self.process is None:
            return None
        self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(
                f"pid {self.pid} did not end {STOP_S:g} s after SIGTERM; stderr:\n{self.stderr}"
            ) from None

    def kill9(self) -> None:
        """End it with SIGKILL and wait for that."""
        self.signal(signal.SIGKILL)
        self.wait()


class Sluice(Running):
    """The real daemon, as `python -m daemon serve`, in an empty home."""

    def __init__(self, folder: Path, short: Path, config: str | None, options: Mapping[str, Any]) -> None:
        self.home = folder / "home"
        self.state_dir = folder / "state"
        self.socket = short / "s"
        """Its path is short on purpose: a socket's path may have 103 bytes."""
        self.config = folder / "config.yaml"
        self.begun = False
        """True once it was ready."""
        self.may_complain = False
        """True in a test that provokes a fault of ours: then a traceback on stderr is no failure."""
        self.home.mkdir(parents=True)
        command = [sys.executable, "-m", "daemon", "serve", "--socket", str(self.socket)]
        if config is not None:
            self.config.write_text(config, encoding="utf-8")
            command += ["--config", str(self.config)]
        command += ["--state-dir", str(self.state_dir), "--log-level", options["log_level"], *options["args"]]
        super().__init__(command, _environment(self.home, short) | dict(options["env"]), folder)

    def begin(self) -> None:
        """Start it, and wait until it answers. Raises NotReady."""
        found = self.start(READY)
        assert found["path"] == str(self.socket), f"it announces {found['path']}, not {self.socket}"
        self.begun = True

    def restart(self) -> None:
        """Stop it, if it runs, and start it again with the same files."""
        if self.alive:
            self.stop()
        self.begin()

    def run(self, *arguments: str, timeout_s: float = 60.0, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line for this daemon: `run("calls", "--json")`."""
        env = {**self.env, "SLUICE_SOCKET": str(self.socket), "SLUICE_STATE_DIR": str(self.state_dir)}
        if self.config.exists():
            env["SLUICE_CONFIG"] = str(self.config)
        command = [sys.executable, "-m", "daemon", *arguments]
        return subprocess.run(
            command, env=env, cwd=self.folder, text=True, capture_output=True, timeout=timeout_s, check=False, **options
        )

    def complaints(self) -> list[str]:
        """The faults of ours that stderr tells of."""
        return [] if self.may_complain else [fault for fault in OUR_FAULTS if fault in self.stderr]


def _environment(home: Path, short: Path) -> dict[str, str]:
    """As little as a program needs. Nothing of the person's own settings and keys comes in."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "TMPDIR": str(short),
        "XDG_RUNTIME_DIR": str(short),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


@contextlib.contextmanager
def short_folder(canary: Canary) -> Iterator[Path]:
    """A folder whose path is short enough for a socket; searched for keys before it goes."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    try:
        yield folder
    finally:
        canary.search(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sluice(tmp_path: Path, canary: Canary) -> Iterator[Any]:
    """`sluice(config=None, env={}, args=(), log_level="debug", begin=True)` starts a daemon and returns its `Sluice`.

    CONFIG is the text of config.yaml. At the end all are stopped, what they wrote is searched for keys, and a
    traceback on stderr is a failure unless the test has set `may_complain`.
    """
    with contextlib.ExitStack() as stack:
        daemons: list[Sluice] = []

        def make(
            config: str | None = None, *, env: Mapping[str, str] | None = None, args: Sequence[str] = (),
            log_level: str = "debug", begin: bool = True,
        ) -> Sluice:  # fmt: skip
            folder = tmp_path / f"daemon{len(daemons)}"
            options = {"env": env or {}, "args": args, "log_level": log_level}
            daemon = Sluice(folder, stack.enter_context(short_folder(canary)), config, options)
            daemons.append(daemon)
            stack.callback(_finish, daemon)
            canary.watch(folder)
            if begin:
                daemon.begin()
            return daemon

        yield make


def _finish(daemon: Sluice) -> None:
    """Stop a daemon; raise AssertionError if it told of a fault of ours. One that never was ready has told already."""
    daemon.stop()
    if daemon.begun and daemon.complaints():
        raise AssertionError(f"the daemon complained of {daemon.complaints()}; stderr:\n{daemon.stderr}")


class SandboxThread:
    """A `daemon.sandbox.Sandbox` in this process, on an event loop and a thread of its own."""

    def __init__(self, **settings: Any) -> None:
        from daemon.sandbox import Sandbox, SandboxSettings

        self.sandbox = Sandbox(SandboxSettings(**settings))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url: str = self._do(self.sandbox.start())
        self.host = self.url.partition("://")[2]
        """Host and port, as in a Host header."""

    def _do(self, job: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(30)

    async def _stop(self) -> None:
        """Stop the server, when all who have connected so far are known to it: a connection that is accepted as the
        server closes is nobody's, and nobody closes it."""
        for _ in range(5):
            await asyncio.sleep(0)
        await self.sandbox.stop()

    @property
    def seen(self) -> list[Any]:
        """What it has seen so far, oldest first: `daemon.sandbox.record.Seen`."""
        return list(self.sandbox.seen)

    def stop(self) -> None:
        """Close the server and the loop. Safe to do twice."""
        if self._loop.is_closed():
            return
        self._do(self._stop())
        self._do(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture
def sandbox() -> Iterator[Any]:
    """`sandbox(minute_s=1.2, requests_per_minute=6, ...)` starts a provider in this process, a `SandboxThread`."""
    started: list[SandboxThread] = []

    def make(**settings: Any) -> SandboxThread:
        started.append(SandboxThread(**settings))
        return started[-1]

    yield make
    for provider in started:
        provider.stop()


@pytest.fixture
def sandbox_process(tmp_path: Path, canary: Canary) -> Iterator[Any]:
    """`sandbox_process("--shape", "fixed", ...)` starts `python -m daemon.sandbox`; returns its base URL."""
    started: list[Running] = []

    def make(*flags: str) -> str:
        folder = tmp_path / f"sandbox{len(started)}"
        folder.mkdir()
        command = [sys.executable, "-m", "daemon.sandbox", "--port", "0", *flags]
        started.append(Running(command, _environment(folder, folder), folder))
        canary.watch(folder)
        return started[-1].start(re.compile(r"^.*?(?P<url>http://\S+)"))["url"]

    yield make
    for provider in started:
        provider.stop()
