"""What the pictures are taken of: a terminal (tmux) or an X display, the sandbox provider, and the daemon."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100
PATIENCE_S = 60.0
"""For a text to appear on the screen."""


class Terminal:
    """One tmux window in a server of its own."""

    def __init__(self, folder: Path, rows: int, command: Sequence[str], environment: dict[str, str]) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._environment = environment
        size = ["-x", str(WIDTH), "-y", str(rows)]
        self._do("new-session", "-d", *size, "-c", environment["HOME"], *command)

    def _do(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603
            [*self._tmux, *arguments], env=self._environment, capture_output=True, text=True, timeout=20, check=False
        )
        if done.returncode:
            raise SystemExit(f"tmux {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names: `C-c`, `Enter`."""
        self._do("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type TEXT as it is."""
        self._do("send-keys", "-l", text)

    def resize(self, rows: int) -> None:
        """Give the window so many rows."""
        self._do("resize-window", "-x", str(WIDTH), "-y", str(rows))

    def lines(self, *, colours: bool = False) -> list[str]:
        """The screen as it is now."""
        return self._do("capture-pane", "-p", *(["-e", "-N"] if colours else [])).splitlines()

    def until(self, pattern: str) -> list[str]:
        """The screen with colours, once PATTERN stands on it and it has stopped changing."""
        ends, before = time.monotonic() + PATIENCE_S, None
        while time.monotonic() < ends:
            now = self.lines(colours=True)
            if now == before and re.search(pattern, "\n".join(self.lines())):
                return now
            before = now
            time.sleep(0.3)
        raise SystemExit(f"{pattern!r} did not appear; the screen was:\n" + "\n".join(self.lines()))

    def until_found(self, pattern: str) -> list[str]:
        """The screen with colours as soon as PATTERN stands on it; for screens that count and never stop changing."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            if re.search(pattern, "\n".join(self.lines())):
                time.sleep(1.5)
                return self.lines(colours=True)
            time.sleep(0.2)
        raise SystemExit(f"{pattern!r} did not appear; the screen was:\n" + "\n".join(self.lines()))

    def close(self) -> None:
        """End the server and what runs in it; returns when that has gone."""
        pid, ends = int(self._do("display-message", "-p", "#{pane_pid}")), time.monotonic() + PATIENCE_S
        self._do("kill-server")
        while Path(f"/proc/{pid}").exists() and time.monotonic() < ends:
            time.sleep(0.1)


class Display:
    """An X display of its own, with one program on it. Use as a context."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Display:
        read, write = os.pipe()
        server = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1200x800x24", "-nolisten", "tcp"]
        self._run(server, pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as number:
            self._environment["DISPLAY"] = f":{number.readline().strip()}"
        return self

    def __exit__(self, *exception: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait(20)

    def _run(self, command: Sequence[str], pass_fds: Sequence[int] = ()) -> None:
        process = subprocess.Popen(  # noqa: S603
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=pass_fds
        )
        self._processes.append(process)

    def start(self, command: Sequence[str], settle_s: float = 6.0) -> None:
        """Start the program, wait for its window, and give it SETTLE_S seconds to draw."""
        self._run(command)
        ends = time.monotonic() + PATIENCE_S
        while not self._windows() and time.monotonic() < ends:
            time.sleep(0.5)
            if self._processes[-1].poll() is not None:  # a display that has just begun turns some away
                self._run(command)
        time.sleep(settle_s)

    def _windows(self) -> list[str]:
        return subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--class", "emacs"],  # noqa: S607
            env=self._environment, capture_output=True, text=True, check=False, timeout=20,
        ).stdout.split()  # fmt: skip

    def shot(self) -> bytes:
        """The program's window as PNG."""
        file, windows = self._folder / "shot.png", self._windows()
        if not windows:
            raise SystemExit("the program has no window; does it run?")
        subprocess.run(  # noqa: S603
            ["import", "-window", windows[-1], str(file)],  # noqa: S607
            env=self._environment, check=True, timeout=20,
        )  # fmt: skip
        return file.read_bytes()


def surroundings(folder: Path) -> dict[str, str]:
    """A home, and nothing of the person's own settings."""
    (folder / "run").mkdir(mode=0o700)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"), "PATH": path, "LANG": "C.UTF-8",
        "TERM": "xterm-256color", "HISTFILE": "/dev/null", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


@contextlib.contextmanager
def started(arguments: Sequence[str], environment: dict[str, str]) -> Iterator[str]:
    """A Python program; yields the first line that it prints, and stops it in the end."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", *arguments], env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise SystemExit(f"{arguments[0]} did not start")
        yield line.strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def provider(folder: Path, environment: dict[str, str], *options: str) -> Iterator[str]:
    """The sandbox provider; yields its URL."""
    with started(["daemon.sandbox", "--port", "0", *options], environment) as line:
        yield line.split()[-1]


def daemon(
    folder: Path, environment: dict[str, str], url: str, more: str = ""
) -> contextlib.AbstractContextManager[str]:
    """The real daemon, for which api.openai.com is the sandbox; MORE configuration below."""
    config = folder / "config.yaml"
    config.write_text(
        f"upstreams:\n- {{host: api.openai.com, url: '{url}', provider: openai}}\n" + more, encoding="utf-8"
    )
    return started(["daemon", "serve", "--config", str(config), "--log-level", "error"], environment)


def gptel() -> list[str]:
    """The load-path of gptel, as .ci/env.sh knows it."""
    script = '. "$0" && printf %s "${SLUICE_GPTEL_PATH:-}"'
    found = subprocess.run(  # noqa: S603
        [shutil.which("bash") or "/bin/bash", "-c", script, str(ROOT / ".ci" / "env.sh")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if not found:
        raise SystemExit("gptel is missing; put it in place with: .ci/install-emacs.sh")
    return found.split(os.pathsep)


def graphical_emacs() -> str:
    """The command of an Emacs that draws on X: SLUICE_EMACS_X, or the one that .ci/install-emacs.sh unpacks."""
    cache = Path(os.environ.get("SLUICE_CI_CACHE") or Path.home() / ".cache/sluice-ci")
    command = os.environ.get("SLUICE_EMACS_X") or str(cache / "emacs-lucid/bin/emacs")
    if not Path(command).exists():
        raise SystemExit("a graphical Emacs is missing; put it in place with: .ci/install-emacs.sh step graphical")
    return command
