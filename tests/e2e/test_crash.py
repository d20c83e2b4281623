"""kill -9 and start again: the journal is whole, the socket works, nothing that was told is lost.

SLUICE_KILLS says how often the daemon is killed under load (default 3; 1000 take about a quarter of an hour):

    SLUICE_KILLS=1000 python -m pytest tests/e2e/test_crash.py -k under_load -rP
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from daemon.journal.writer import RUNS_ON_S
from stage.visitors import Rpc, RpcError, wait_until
from stage.world import HOSTS, KEYS, config

pytestmark = pytest.mark.e2e

KILLS = int(os.environ.get("SLUICE_KILLS", "3"))
JOURNAL_KILLS = 50


def ask(text: str, model: str = "gpt-4o-mini") -> dict[str, Any]:
    """The params of a chat."""
    messages = [{"role": "user", "content": text}]
    return {"host": HOSTS["openai"], "model": model, "messages": messages, "key": KEYS["openai"]}


@pytest.mark.timeout(7200)
def test_kill_9_under_load(sluice: Any, sandbox: Any) -> None:
    """The daemon is killed while four clients call it. After each kill every row that it had listed as ended is there
    as it was, and SQLite finds nothing wrong; the next start answers on the same socket, and names what was cut."""
    settings = config(sandbox(requests_per_minute=None, tokens_per_minute=None).url)
    chance, sums = random.Random("kill"), Sums()
    while len(sums.starts) < KILLS:  # a journal of its own for so many: each check reads the whole of it
        daemon = sluice(settings, log_level="info")
        kill_often(daemon, min(JOURNAL_KILLS, KILLS - len(sums.starts)), chance, sums)
        daemon.stop()
        if KILLS > JOURNAL_KILLS:
            print(sums, flush=True)
    assert sums.cut
    print(sums)


@dataclass
class Sums:
    """What all kills came to."""

    acknowledged: int = 0
    cut: int = 0
    starts: list[float] = field(default_factory=list)
    """How long the daemon took after each to be ready again, in seconds."""

    def __str__(self) -> str:
        slowest = sorted(self.starts)[math.ceil(len(self.starts) * 0.99) - 1]
        return (
            f"{len(self.starts)} kills: {self.acknowledged} acknowledged rows, 0 lost, 0 corrupt, {self.cut} calls "
            f"named as cut; ready again p99 {slowest:.2f} s"
        )


def kill_often(daemon: Any, times: int, chance: random.Random, sums: Sums) -> None:
    """Kill DAEMON so many TIMES under load, and look at its journal after each."""
    known: dict[str, str] = {}
    rows: dict[str, str] = {}
    for _ in range(times):
        load = Load(daemon.socket)
        known |= load.listed(chance.randint(1, 12))
        daemon.kill9()
        load.end()
        began = time.monotonic()
        daemon.begin()
        sums.starts.append(time.monotonic() - began)
        rows, verdict = contents(daemon.state_dir / "journal.db")
        assert verdict == "ok"
        lost = [call for call, state in known.items() if rows.get(call) != state]
        assert not lost
        with Rpc(daemon.socket) as rpc:
            assert rpc.call("status")["journal"]["why"] is None
        assert "running" not in rows.values()
    sums.acknowledged += len(known)
    sums.cut += sum(state == "interrupted" for state in rows.values())
    assert not list(daemon.state_dir.glob("journal.corrupt-*"))


class Load:
    """Four clients that send one chat after the other until the daemon is gone."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(4)]
        for thread in self._threads:
            thread.start()

    def _client(self, number: int) -> None:
        with contextlib.suppress(OSError, AssertionError, ValueError), Rpc(self._socket) as rpc:
            while True:
                with contextlib.suppress(RpcError):
                    rpc.call("chat", **ask(f"client {number}", model="not-found" if number == 3 else "m"))

    def listed(self, times: int) -> dict[str, str]:
        """What the daemon listed as ended, so often asked: id to state."""
        ended: dict[str, str] = {}
        with Rpc(self._socket) as rpc:
            while times or not ended:
                rows = rpc.call("calls", limit=200)["calls"]
                ended |= {row["id"]: row["state"] for row in rows if row["ended_at"] is not None}
                times = max(0, times - 1)
        return ended

    def end(self) -> None:
        """Wait until all clients have noticed."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()


def contents(file: Path) -> tuple[dict[str, str], str]:
    """All rows, id to state, and what SQLite's own check says."""
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        rows = dict(database.execute("SELECT id, state FROM calls").fetchall())
        return rows, database.execute("PRAGMA integrity_check").fetchone()[0]


KILLED_THERE = """
import os, pathlib, runpy, socket, sys
point = sys.argv.pop(1)
def dies(place, name, when=lambda *given: True, after=True):
    real = getattr(place, name)
    def instead(*given, **more):
        if not when(*given):
            return real(*given, **more)
        if after:
            real(*given, **more)
        os._exit(9)
    setattr(place, name, instead)
def named(end):
    return lambda *given: str(given[0]).endswith(end)
from daemon.app import serving
from daemon.doors import rundir
if point == "after the first lock":
    dies(rundir, "_locked")
elif point == "after both locks":
    dies(serving, "locks")
elif point == "after bind":
    dies(pathlib.Path, "chmod", named("/s.new"), after=False)
elif point == "before rename":
    dies(pathlib.Path, "rename", named("/s.new"), after=False)
elif point == "after rename":
    dies(pathlib.Path, "rename", named("/s.new"))
elif point == "before the endpoint file is whole":
    dies(pathlib.Path, "replace", named("/endpoint.json.new"), after=False)
elif point == "after the endpoint file":
    dies(rundir, "write_endpoint")
elif point == "before the install secret is written":
    import secrets
    real = os.open
    def opened(path, flags, *more, **others):
        made = real(path, flags, *more, **others)
        if str(path).endswith("install-secret") and flags & os.O_CREAT:
            os._exit(9)
        return made
    os.open = opened
elif point == "in the middle of a log rotation":
    dies(os, "rename", named("/sluice.log"))
else:
    raise SystemExit("no such point")
sys.argv[0] = "daemon"
runpy.run_module("daemon", run_name="__main__", alter_sys=True)
"""
POINTS = re.findall(r'point == "(.*)"', KILLED_THERE)
FULL_LOG = "".join(f"2026-01-01 00:00:00.000 info    line {n}\n" for n in range(60))
"""More than `max_bytes`, so that the first line of the next start begins a new file."""


def files_of(daemon: Any) -> set[str]:
    """What lies in the daemon's folders."""
    places = (daemon.state_dir, daemon.socket.parent)
    return {
        f"{place.name and n}/{path.relative_to(place)}" for n, place in enumerate(places) for path in place.rglob("*")
    }


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_of_its_start(sluice: Any, point: str) -> None:
    """However far a start had come: the next one serves, clients find it, no half file is left, no line of the log is
    lost, and after its end there is what there is after any other."""
    settings = "log: {{file: {file}, max_bytes: 1KiB, keep: 3}}\n"
    daemon, other = sluice("", begin=False), sluice("", begin=False)
    for one in (daemon, other):
        one.config.write_text(settings.format(file=one.state_dir / "sluice.log"), encoding="utf-8")
        one.state_dir.mkdir(mode=0o700)
        (one.state_dir / "sluice.log").write_text(FULL_LOG, encoding="utf-8")
    killed = [sys.executable, "-c", KILLED_THERE, point, *daemon.command[3:]]
    done = subprocess.run(killed, env=daemon.env, cwd=daemon.folder, capture_output=True, timeout=60, check=False)
    assert done.returncode == 9, done.stderr
    daemon.begin()
    other.begin()
    with Rpc(daemon.socket) as rpc:
        assert rpc.call("hello")["pid"] == daemon.pid
    (found,) = daemon.folder.rglob("endpoint.json")
    assert json.loads(found.read_text())["pid"] == daemon.pid
    assert [daemon.stop(), other.stop()] == [0, 0]
    logs = daemon.state_dir.glob("sluice.log*")
    assert FULL_LOG in [path.read_text(encoding="utf-8") for path in logs]
    assert not daemon.socket.exists()
    left = {name for name in files_of(daemon) ^ files_of(other) if "sluice.log" not in name}
    assert not left
    assert not [name for name in files_of(daemon) if name.endswith((".new", ".half"))]


def test_what_a_kill_leaves_of_calls_under_way(sluice: Any, sandbox: Any) -> None:
    """SECURITY.md says it: a call that has run for a second is `interrupted`, a younger one leaves no row; neither is
    sent again, and who waits for them sees the connection end."""
    provider = sandbox(chunk_s=0.05, requests_per_minute=None, tokens_per_minute=None)
    daemon = sluice(config(provider.url))
    for _ in range(10):  # a busy machine may need more than a second between the beginning and the kill
        with Rpc(daemon.socket) as old, Rpc(daemon.socket) as young:
            old.start("chat", **ask("old", model="long-400"))
            first = old.wait_for("delta")["call"]
            wait_until(lambda first=first: there(daemon).get(first) == "running", "it has its row")
            began = time.monotonic()
            young.start("chat", **ask("young", model="long-400"))
            while time.monotonic() - began < RUNS_ON_S / 2:  # longer than the journal waits for more
                second = young.wait_for("delta")["call"]
            daemon.kill9()
            seconds = time.monotonic() - began
            for visitor in (old, young):
                with pytest.raises(ConnectionError):
                    read_on(visitor)
        sent = len(provider.seen)
        daemon.begin()
        rows = there(daemon)
        assert rows[first] == "interrupted"
        assert len(provider.seen) == sent
        if seconds < RUNS_ON_S * 0.9:
            break
    else:
        pytest.skip("this machine is too busy to kill a daemon in time")
    assert second not in rows


def read_on(visitor: Rpc) -> None:
    """Read whatever comes. Raises ConnectionError at the end."""
    while True:
        visitor.read()


def there(daemon: Any) -> dict[str, str]:
    """What the journal's file says, without asking the daemon: that would write what it knows."""
    return contents(daemon.state_dir / "journal.db")[0]


def test_a_refused_call_survives(sluice: Any, sandbox: Any) -> None:
    """A failed call's curl command that was once shown is there after kill -9, without and with a daemon."""
    daemon = sluice(config(sandbox().url))
    with Rpc(daemon.socket) as rpc:
        with pytest.raises(RpcError) as caught:
            rpc.call("chat", **ask("x", model="insufficient-quota"))
        before = rpc.call("curl", call=caught.value.data["call"])["command"]
    daemon.kill9()
    assert daemon.run("curl", "last-failed").stdout.strip() == before.strip()
    daemon.begin()
    assert daemon.run("curl", "last-failed").stdout.strip() == before.strip()


def test_a_second_daemon_is_refused(sluice: Any) -> None:
    """On the same socket, and on the same state: it ends with 3 and says who runs; the first is not disturbed."""
    daemon = sluice()
    second = daemon.run("serve")
    assert second.returncode == 3
    assert str(daemon.pid) in second.stderr
    with Rpc(daemon.socket) as rpc:
        assert rpc.call("hello")["pid"] == daemon.pid


def test_a_stop_lets_running_calls_end(sluice: Any, sandbox: Any) -> None:
    """SIGTERM while a stream runs: the stream comes whole, then the daemon ends with 0 and its socket is gone."""
    daemon = sluice(config(sandbox(chunk_s=0.005).url))
    results: list[Any] = []
    with Rpc(daemon.socket) as rpc:
        request = rpc.start("chat", **ask("long", model="long-200"))
        rpc.wait_for("delta")
        ender = threading.Thread(target=lambda: results.append(daemon.stop()))
        ender.start()
        assert rpc.result(request)["finish"] == "stop"
        ender.join(30)
    assert results == [0]
    assert not daemon.socket.exists()
