#!/usr/bin/env python3
"""Makes the pictures of README.md from the real thing: a terminal (tmux), `daemon demo`, and Emacs with gptel.

    .venv/bin/python doc/pictures/make.py            both pictures
    .venv/bin/python doc/pictures/make.py emacs      one of them

Needs tmux, and for the second one Emacs and gptel (.ci/install-emacs.sh puts them in place). Needs no key and no
network: the sandbox provider answers. Everything runs in a home of its own that is removed at the end.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from screen import Window, svg

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WIDTH = 100
PATIENCE_S = 60.0
"""For a text to appear on the screen."""

INIT = """\
(setq inhibit-startup-screen t initial-scratch-message nil visible-bell nil
      frame-background-mode 'light auth-sources nil)
(menu-bar-mode -1)
(blink-cursor-mode -1)
(add-to-list 'load-path "{elisp}")
(load "gptel-autoloads")
(require 'gptel)
(setq gptel-model 'gpt-4o-mini
      gptel-backend (gptel-make-openai "ChatGPT" :key "sandbox" :stream t :models '(gpt-4o-mini)))
(require 'sluice-gptel)
(sluice-gptel-mode 1)
(global-set-key (kbd "C-c g") sluice-command-map)
(switch-to-buffer (gptel "*ChatGPT*"))
"""
"""What README.md tells a user to write, around gptel as it is."""


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

    def close(self) -> None:
        """End the server and what runs in it; returns when that has gone."""
        pid, ends = int(self._do("display-message", "-p", "#{pane_pid}")), time.monotonic() + PATIENCE_S
        self._do("kill-server")
        while Path(f"/proc/{pid}").exists() and time.monotonic() < ends:
            time.sleep(0.1)


def demo(folder: Path) -> str:
    """`daemon demo`: the burst, and the first failure with the beginning of its explanation."""
    environment = surroundings(folder)
    with contextlib.closing(Terminal(folder, 300, ["bash", "--norc"], environment | {"PS1": "$ "})) as terminal:
        terminal.until(r"\$")
        terminal.type("daemon demo")
        terminal.press("Enter")
        shown = terminal.until("README.md says how")
        plain = terminal.lines()
    end = next(i for i, line in enumerate(plain) if "What it is not" in line)
    about = "A terminal: of 30 calls at once against 10 a minute all are answered; then a failure is explained"
    return svg([Window("a terminal", trimmed(shown[:end]))], WIDTH, about)


def emacs(folder: Path) -> str:
    """gptel in Emacs: the one line of a failure, and what `C-c g e` shows."""
    environment = surroundings(folder)
    with provider(folder, environment) as url, daemon(folder, environment, url):
        init = folder / "init.el"
        init.write_text(INIT.format(elisp=ROOT / "elisp"), encoding="utf-8")
        search = [part for path in gptel() for part in ("-L", path)]
        command = ["env", "TERM=xterm-256color", "COLORTERM=truecolor", "emacs", "-nw", "-Q", *search, "-l", str(init)]
        with contextlib.closing(Terminal(folder, 12, command, environment)) as terminal:
            windows = list(conversation(terminal))
    about = "Emacs with gptel: the line in the echo area says that credit is missing; a key shows the whole explanation"
    return svg(windows, WIDTH, about)


def conversation(terminal: Terminal) -> Iterator[Window]:
    """One prompt that is answered, one that fails, and the explanation."""
    terminal.until("ChatGPT")
    terminal.type("Hello")
    terminal.press("C-c", "Enter")
    terminal.until(r"You said: Hello[\s\S]*###")
    terminal.press("M->", "BSpace")
    terminal.type("Write a haiku about rate limits")
    terminal.press("C-c", "Enter")
    yield Window("Emacs, after C-c RET", terminal.until("Waiting will not help"))
    terminal.resize(34)
    terminal.press("C-c", "g", "e")
    terminal.until("What happened")
    terminal.press("C-x", "o", "C-x", "1")
    yield Window("Emacs, after C-c g e", trimmed(terminal.until("How (I|we) know")))


def trimmed(lines: Sequence[str]) -> list[str]:
    """Without empty lines at the end."""
    kept = list(lines)
    while kept and not re.sub(r"\x1b\[[\d;]*m", "", kept[-1]).strip():
        kept.pop()
    return kept


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
def provider(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """The sandbox with credit for one call; yields its URL."""
    with started(["daemon.sandbox", "--port", "0", "--quota-after", "1"], environment) as line:
        yield line.split()[-1]


def daemon(folder: Path, environment: dict[str, str], url: str) -> contextlib.AbstractContextManager[str]:
    """The real daemon, for which api.openai.com is the sandbox."""
    config = folder / "config.yaml"
    config.write_text(f"upstreams:\n- {{host: api.openai.com, url: '{url}', provider: openai}}\n", encoding="utf-8")
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


PICTURES: dict[str, tuple[Callable[[Path], str], tuple[str, ...]]] = {
    "demo": (demo, ("tmux",)),
    "emacs": (emacs, ("tmux", "emacs")),
}
"""Name, how it is made, and the programs that this needs."""


def main(names: Sequence[str]) -> None:
    """Make the pictures NAMES, or all."""
    for name in names or PICTURES:
        make, programs = PICTURES[name]
        missing = [program for program in programs if shutil.which(program) is None]
        if missing:
            raise SystemExit(f"for the picture {name}, install: {' '.join(missing)}")
        with tempfile.TemporaryDirectory(prefix="slp") as folder:
            (HERE / f"{name}.svg").write_text(make(Path(folder)), encoding="utf-8")
        print(f"made doc/pictures/{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
