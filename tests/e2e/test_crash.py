"""kill -9 and start again: the journal is whole, the socket works, nothing that was told is lost."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

import pytest

from stage.visitors import Rpc, RpcError
from stage.world import HOSTS, KEYS, config

pytestmark = pytest.mark.e2e


def ask(text: str, model: str = "gpt-4o-mini") -> dict[str, Any]:
    """The params of a chat."""
    messages = [{"role": "user", "content": text}]
    return {"host": HOSTS["openai"], "model": model, "messages": messages, "key": KEYS["openai"]}


def test_kill_9_under_load(sluice: Any, sandbox: Any) -> None:
    """Three times the daemon is killed while calls run. Each call that was listed before is still there; a running one
    is `interrupted`; the database passes SQLite's own check; the next start answers on the same socket."""
    daemon = sluice(config(sandbox(chunk_s=0.02, requests_per_minute=None, tokens_per_minute=None).url))
    known: set[str] = set()
    for _ in range(3):
        with Rpc(daemon.socket) as rpc:
            known |= {rpc.call("chat", **ask(f"call {number}"))["id"] for number in range(5)}
            listed = {row["id"] for row in rpc.call("calls", limit=1000)["calls"]}
            assert known <= listed
            rpc.notifications.clear()
            rpc.start("chat", **ask("long", model="long-200"))
            running = rpc.wait_for("delta")["call"]
            daemon.kill9()
        daemon.begin()
        with Rpc(daemon.socket) as rpc:
            rows = {row["id"]: row for row in rpc.call("calls", limit=1000)["calls"]}
        assert known <= rows.keys()
        assert rows[running]["state"] == "interrupted"
    daemon.stop()
    file = daemon.state_dir / "journal.db"
    with sqlite3.connect(file) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


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
