"""`make run` prints three lines to paste. Each works as printed, from another terminal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def running(sluice: Any) -> Any:
    """The daemon with the built-in sandbox, as `make run` starts it."""
    daemon = sluice(args=("--sandbox",))
    deadline = time.monotonic() + 10
    while not any("explain" in line for line in daemon.lines) and time.monotonic() < deadline:
        time.sleep(0.01)  # the other lines follow the first at once; nothing is timed here
    return daemon


def line(daemon: Any, beginning: str) -> str:
    """The printed line that begins so, or whose second word does."""
    return next(text for text in daemon.lines if text.startswith(beginning) or f" {beginning} " in text)


def test_make_run_starts_just_this() -> None:
    """The Makefile's `run` is the daemon with --sandbox in the foreground, in the folder's own environment."""
    plan = subprocess.run(["make", "-n", "run"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "exec .venv/bin/daemon serve --sandbox" in plan


def test_the_curl_line(running: Any) -> None:
    """The curl line gives an answer of the sandbox, without a key."""
    if shutil.which("curl") is None:
        pytest.skip("curl is missing; install it: apt install curl")
    done = subprocess.run(["sh", "-c", line(running, "curl")], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == "You said: Hello"


def test_the_explain_line(running: Any) -> None:
    """The explain line says that credit is missing."""
    printed = line(running, "explain").split(" ", 1)[1]  # the test starts `python -m daemon`, not the script
    command = f"{ROOT / '.venv/bin/daemon'} {printed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "No credit left" in done.stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Any]:
    """`terminal(command, env)` runs a command in a real terminal of 100x30; returns (type keys, read screen)."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is missing; install it: apt install tmux")
    server = ["tmux", "-L", f"sluice{os.getpid()}", "-f", "/dev/null"]

    def tmux(*arguments: str) -> str:
        return subprocess.run([*server, *arguments], capture_output=True, text=True, timeout=30, check=True).stdout

    def start(command: str, env: dict[str, str]) -> Any:
        script = tmp_path / "terminal.sh"
        script.write_text("".join(f"export {name}='{value}'\n" for name, value in env.items()) + command + "\n")
        tmux("new-session", "-d", "-x", "100", "-y", "30", f"sh {script}")
        return lambda *keys: tmux("send-keys", *keys), lambda: tmux("capture-pane", "-p")

    yield start
    subprocess.run([*server, "kill-server"], capture_output=True, timeout=30, check=False)


def test_the_emacs_line(running: Any, terminal: Any) -> None:
    """The Emacs line opens a gptel buffer; a person types a prompt, and the answer comes through the daemon."""
    gptel = os.environ.get("SLUICE_GPTEL_PATH")
    if shutil.which("emacs") is None or not gptel:
        pytest.skip("Emacs or gptel is missing; install them: .ci/install-emacs.sh")
    init = running.home / ".emacs.d" / "init.el"
    init.parent.mkdir()
    init.write_text("(require 'gptel) (require 'gptel-openai)", encoding="utf-8")  # as package.el's autoloads do
    env = {**running.env, "EMACSLOADPATH": gptel + ":", "TERM": "xterm-256color"}
    keys, screen = terminal(line(running, "emacs").replace("emacs ", "emacs -nw ", 1), env)
    assert seen(screen, "*Sluice*"), screen()
    keys("Hello there", "C-c", "Enter")
    assert seen(screen, "You said: "), screen()


def seen(screen: Any, text: str, timeout_s: float = 40.0) -> bool:
    """Look at the screen until TEXT is on it."""
    ends = time.monotonic() + timeout_s
    while text not in screen() and time.monotonic() < ends:
        time.sleep(0.1)  # a person looks again
    return text in screen()
