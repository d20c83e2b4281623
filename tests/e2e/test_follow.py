"""`daemon calls --follow` with a real daemon."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from stage.visitors import Rpc, RpcError
from stage.world import HOSTS, KEYS, config

pytestmark = pytest.mark.e2e


class Follow:
    """A running `daemon calls --follow`, whose lines are waited for."""

    def __init__(self, daemon: Any, *options: str) -> None:
        env = {**daemon.env, "SLUICE_SOCKET": str(daemon.socket), "SLUICE_STATE_DIR": str(daemon.state_dir)}
        command = [sys.executable, "-m", "daemon", "calls", "--follow", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process: Any = subprocess.Popen(command, env=env, cwd=daemon.folder, **pipes)
        self._lines = {name: queue.SimpleQueue() for name in ("stdout", "stderr")}
        for name, lines in self._lines.items():
            threading.Thread(target=self._read, args=(getattr(self.process, name), lines), daemon=True).start()

    @staticmethod
    def _read(stream: Any, lines: Any) -> None:
        with stream:
            for line in stream:
                lines.put(line.rstrip("\n"))
        lines.put(None)

    def line(self, stream: str = "stdout") -> Any:
        """The next line; None at the end."""
        return self._lines[stream].get(timeout=30)

    def end(self) -> int:
        """As C-c does; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return int(self.process.wait(30))


@pytest.fixture
def follow() -> Iterator[Any]:
    """`follow(daemon, *options)`; what still runs at the end is killed."""
    made: list[Follow] = []

    def start(daemon: Any, *options: str) -> Follow:
        made.append(Follow(daemon, *options))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def say(daemon: Any, model: str, **more: Any) -> str:
    """One chat; returns its id, also when it fails."""
    messages = [{"role": "user", "content": "Hello"}]
    with Rpc(daemon.socket) as rpc:
        try:
            return str(
                rpc.call("chat", host=HOSTS["openai"], model=model, messages=messages, key=KEYS["openai"], **more)["id"]
            )
        except RpcError as error:
            return str(error.data["call"])


def test_calls_as_they_end(sluice: Any, sandbox: Any, follow: Any) -> None:
    """A table begins with its head, then come good and bad calls, once each; C-c ends it without a word."""
    daemon = sluice(config(sandbox().url))
    say(daemon, "m")
    watch = follow(daemon)
    assert watch.line().split()[0] == "call"
    good = say(daemon, "gpt-4o-mini")
    assert watch.line().split()[0] == good
    bad = say(daemon, "insufficient-quota")
    shown = watch.line()
    assert shown.split()[0] == bad
    assert "insufficient_quota" in shown
    assert watch.end() == 130
    assert (watch.line(), watch.line("stderr")) == (None, None)


def test_filters_and_the_time_before(sluice: Any, sandbox: Any, follow: Any) -> None:
    """With --since what was before comes first; a filter leaves the others out; --json is one object a line."""
    daemon = sluice(config(sandbox().url))
    before = say(daemon, "insufficient-quota")
    watch = follow(daemon, "--failed", "--json", "--since", "1h")
    assert json.loads(watch.line())["id"] == before
    say(daemon, "gpt-4o-mini", priority="interactive")
    bad = say(daemon, "insufficient-quota", priority="interactive")
    row = json.loads(watch.line())
    assert (row["id"], row["state"]) == (bad, "failed")
    assert watch.end() == 130


def test_over_a_restart(sluice: Any, sandbox: Any, follow: Any) -> None:
    """When the daemon ends, that is said; when one runs again it goes on, with the call that was cut by a kill and
    with one that ended before it was connected again."""
    daemon = sluice(config(sandbox(chunk_s=0.02).url))
    watch = follow(daemon, "--json", "--since", "1h")
    first = say(daemon, "gpt-4o-mini")
    assert json.loads(watch.line())["id"] == first
    with Rpc(daemon.socket) as rpc:
        messages = [{"role": "user", "content": "long"}]
        rpc.start("chat", host=HOSTS["openai"], model="long-200", messages=messages, key=KEYS["openai"])
        cut = rpc.wait_for("delta")["call"]
        rpc.call("calls")  # so that it is on the disk
        daemon.kill9()
    assert "The daemon has ended" in watch.line("stderr")
    daemon.begin()
    second = say(daemon, "gpt-4o-mini")
    assert "runs again" in watch.line("stderr")
    rows = {row["id"]: row["state"] for row in (json.loads(watch.line()), json.loads(watch.line()))}
    assert rows == {cut: "interrupted", second: "done"}
    assert watch.end() == 130


def test_what_ends_while_it_drains(sluice: Any, sandbox: Any, follow: Any) -> None:
    """A call that is let to its end while the daemon stops is shown, though nobody new is let in."""
    daemon = sluice(config(sandbox(chunk_s=0.01).url))
    watch = follow(daemon)
    assert watch.line().split()[0] == "call"
    with Rpc(daemon.socket) as rpc:
        messages = [{"role": "user", "content": "long"}]
        rpc.start("chat", host=HOSTS["openai"], model="long-200", messages=messages, key=KEYS["openai"])
        last = rpc.wait_for("delta")["call"]
        daemon.signal(signal.SIGTERM)
        assert watch.line().split()[0] == last
    assert "The daemon has ended" in watch.line("stderr")
    assert watch.end() == 130


def test_without_a_daemon(sluice: Any, follow: Any) -> None:
    """It says so, and does not wait for one that was perhaps meant to be elsewhere; nor does it follow one call."""
    daemon = sluice(begin=False)
    watch = follow(daemon)
    assert "no daemon answers" in watch.line("stderr")
    assert watch.process.wait(30) == 1
    one = follow(daemon, "last")
    assert "--follow shows all calls" in one.line("stderr")
    assert one.process.wait(30) == 1
