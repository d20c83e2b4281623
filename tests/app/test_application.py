"""The daemon as a whole: how it reloads, drains and ends."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import pytest

from daemon.app import App
from daemon.config import default_paths, load
from daemon.doors.porter import Porter
from hostile.test_faults import certificate_folder
from stage.visitors import exchange, get, wait_until
from stage.world import CHATS, HOSTS, config

__all__ = ["certificate_folder"]


@pytest.mark.e2e
def test_reloading(sluice: Any, sandbox: Any) -> None:
    """SIGHUP takes a good configuration; a broken one changes nothing, and the log says where it is broken."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    assert b" 404 " in get(daemon, "relay.example").partition(b"\r\n")[0]
    daemon.config.write_text("upstreams: [", encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "the old one stays" in daemon.stderr, "the refusal in the log")
    assert str(daemon.config) in daemon.stderr
    assert b" 200 " in get(daemon, HOSTS["openai"]).partition(b"\r\n")[0]
    relay = f"- {{host: relay.example, url: '{provider.url}', provider: openai-compatible}}\n"
    daemon.config.write_text(config(provider.url) + relay, encoding="utf-8")
    reloaded = exchange(daemon.socket, b"POST /_sluice/reload HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"relay" not in reloaded.partition(b"\r\n")[0]
    assert b" 200 " in get(daemon, "relay.example").partition(b"\r\n")[0]


def test_a_reload_says_what_was_read(tmp_path: Path) -> None:
    """The file; and where there is none, that the defaults are in force, not that it was read."""
    where = default_paths({"HOME": str(tmp_path)})
    nothing = types.SimpleNamespace
    app = nothing(
        _paths=where, _environ={}, _catalogue=None, _config=load(None, environ={}), _with_choice=lambda fresh: [],
        _gateway=nothing(elsewhere=nothing(keyring=nothing(know=lambda names: None))),
        _log_output=nothing(reopen=lambda level: None),
    )  # fmt: skip
    assert App.reload(app).startswith(f"there is no file {where.config_file}")  # type: ignore[arg-type]
    where.config_file.parent.mkdir(parents=True)
    where.config_file.write_text("language: en\n")
    assert App.reload(app).startswith(f"read {where.config_file}")  # type: ignore[arg-type]


@pytest.mark.parametrize("alive", [True, False])
def test_the_watchdog_is_fed_only_while_the_journal_gets_on(alive: bool) -> None:
    """A journal whose thread stands still lets systemd start the daemon anew."""
    fed: list[str] = []
    app = types.SimpleNamespace(
        _journal=types.SimpleNamespace(alive=alive), _notifier=types.SimpleNamespace(alive=lambda: fed.append("fed"))
    )
    App._still_alive(app)  # type: ignore[arg-type]
    assert fed == (["fed"] if alive else [])


@pytest.mark.parametrize(
    ("after_s", "listener", "may"), [(None, None, False), (60.0, object(), False), (60.0, None, True)]
)
async def test_who_may_end_for_want_of_use(after_s: float | None, listener: object, may: bool) -> None:
    """Who was told to, and is reached by nobody but at the socket: by TCP nobody would start another daemon. Calls and
    connections are use, and nothing may be lost: neither what the journal has not written nor what it is saving."""
    journal = types.SimpleNamespace(salvaging=False, flush=lambda: _is(True))
    app = types.SimpleNamespace(
        _config=types.SimpleNamespace(idle_exit_s=after_s), listener=listener, _journal=journal, open=0,
        _gateway=types.SimpleNamespace(running={}), _connections=lambda: app.open,
    )  # fmt: skip
    app._in_use, app._stored = lambda: App._in_use(app), lambda: App._stored(app)  # type: ignore[arg-type]
    made = App._idleness(app, Porter(asyncio.Protocol, asyncio.Protocol))  # type: ignore[arg-type]
    assert (made is not None) == may
    assert not app._in_use()
    app.open = 1
    assert app._in_use()
    app.open = 0
    app._gateway.running["c1"] = object()
    assert app._in_use()
    assert await app._stored()
    journal.salvaging = True
    assert not await app._stored()
    journal.salvaging, journal.flush = False, lambda: _is(False)
    assert not await app._stored()


async def _is(answer: bool) -> bool:
    return answer


@pytest.mark.e2e
def test_what_a_reload_puts_in_force(sluice: Any, sandbox: Any, certificate_folder: Path) -> None:
    """Exactly what it says: log.bodies at once; ca_file, drain and the rest nowhere before the next start. A ca_file
    with which that start would fail is refused."""
    url = sandbox().url
    daemon = sluice(config(url))
    reload = b"POST /_sluice/reload HTTP/1.1\r\nHost: localhost\r\n\r\n"

    def command(model: str, text: str) -> str:
        body = json.dumps(CHATS[0].body(model, text)).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {HOSTS['openai']}\r\nContent-Length: {len(body)}\r\n\r\n"
        lines = len(re.findall(r".*curl -q.*", daemon.stderr))
        exchange(daemon.socket, head.encode() + body)
        wait_until(lambda: len(re.findall(r".*curl -q.*", daemon.stderr)) > lines, "the command is in the log")
        return str(re.findall(r".*curl -q.*", daemon.stderr)[-1])

    assert "pomegranate" not in command("gpt-4o", "pomegranate")
    more = f"log: {{bodies: true}}\ndrain: 7s\nca_file: {certificate_folder / 'authority.pem'}\n"
    daemon.config.write_text(config(url, more=more), encoding="utf-8")
    assert b"hosts, limits, log.level and log.bodies are in force" in exchange(daemon.socket, reload)
    later = command("gpt-4o", "pomegranate")
    assert "pomegranate" in later
    assert "--cacert" not in later
    daemon.config.write_text(config(url, more=f"ca_file: {daemon.config}\n"), encoding="utf-8")
    assert b"ca_file" in exchange(daemon.socket, reload)
    assert "pomegranate" in command("gpt-4o", "pomegranate"), "a reload that is refused changes nothing"
    daemon.config.write_text(config(url, more=more), encoding="utf-8")
    hangs = threading.Thread(target=command, args=("hang", "x"))
    hangs.start()
    wait_until(lambda: json.loads(daemon.run("status", "--json").stdout)["daemon"]["running"] == 1, "the call runs")
    daemon.signal(signal.SIGTERM)
    wait_until(lambda: "1 under way, 20 s to end" in daemon.stderr, "it waits as long as at its start")

    def ended() -> bool:
        daemon.signal(signal.SIGTERM)
        return not daemon.alive

    wait_until(ended, "it ends at once")
    hangs.join(20)


@pytest.mark.e2e
def test_draining(sluice: Any, sandbox: Any) -> None:
    """After SIGTERM the call that waits is told that Sluice stops, and nobody new comes in. What still runs after the
    time of the setting is cut, and the exit code says so."""
    daemon = sluice(config(sandbox(chunk_s=0.01).url, limits="[{concurrency: 1}]", more="drain: 500ms\n"))
    heads: dict[str, bytes] = {}

    def ask(name: str, model: str) -> None:
        body = json.dumps(CHATS[0].body(model, "word " * 60, stream=True)).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {HOSTS['openai']}\r\nContent-Length: {len(body)}\r\n\r\n"
        heads[name] = exchange(daemon.socket, head.encode() + body)

    def running() -> tuple[int, int]:
        status = json.loads(daemon.run("status", "--json").stdout)
        return status["daemon"]["running"], len(status["queue"])

    first = threading.Thread(target=ask, args=("first", "hang"))
    first.start()
    wait_until(lambda: running()[0] == 1, "the first call runs")
    second = threading.Thread(target=ask, args=("second", "hang"))
    second.start()
    wait_until(lambda: running() == (2, 1), "the second call waits")
    daemon.signal(signal.SIGTERM)
    second.join(20)
    assert b" 503 " in heads["second"].partition(b"\r\n")[0]
    assert b"stopping" in heads["second"]
    with pytest.raises(OSError, match="refused"), socket.socket(socket.AF_UNIX) as late:
        late.connect(str(daemon.socket))
    first.join(20)
    assert b" 503 " in heads["first"].partition(b"\r\n")[0]
    assert b"after 0.5 s (setting drain)" in heads["first"]
    assert b"send it again" in heads["first"]
    assert daemon.wait() == 1
    assert "cut after 0.5 s (setting drain)" in daemon.run("calls").stdout


@pytest.mark.e2e
def test_sandbox_mode(sluice: Any) -> None:
    """With --sandbox each known host is the built-in provider: nothing leaves the machine, and the lines say so."""
    daemon = sluice(args=("--sandbox",))
    wait_until(lambda: "explain" in daemon.stdout, "the lines to paste")
    assert "curl --unix-socket" in daemon.stdout
    answer = get(daemon, HOSTS["anthropic"])
    assert b" 200 " in answer.partition(b"\r\n")[0]
    status = json.loads(daemon.run("status", "--json").stdout)
    assert status["daemon"]["sandbox"] is True


@pytest.mark.e2e
def test_whoever_insists_is_heard(sluice: Any, sandbox: Any) -> None:
    """SIGTERM lets a running call go on; the same signal sent twice at once, as `timeout` does, is one; a later one
    means now: the call is cut with a word, and the exit code is 1. Whoever goes on sending does not disturb the end."""
    daemon = sluice(config(sandbox().url), args=(), log_level="info")
    body = json.dumps(CHATS[0].body("hang")).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {HOSTS['openai']}\r\nContent-Length: {len(body)}\r\n\r\n"
    answers: list[bytes] = []
    caller = threading.Thread(target=lambda: answers.append(exchange(daemon.socket, head.encode() + body)))
    caller.start()
    wait_until(lambda: json.loads(daemon.run("status", "--json").stdout)["daemon"]["running"] == 1, "the call runs")
    daemon.signal(signal.SIGTERM)
    daemon.signal(signal.SIGTERM)
    wait_until(lambda: "1 under way, 20 s to end" in daemon.stderr, "it waits for the call")
    assert "stopping now" not in daemon.stderr
    began = time.monotonic()

    def ended() -> bool:
        daemon.signal(signal.SIGTERM)
        return not daemon.alive

    wait_until(ended, "it ends at once")
    assert 0.2 < time.monotonic() - began < 10
    caller.join(20)
    assert daemon.wait() == 1
    assert b"was told to end at once" in answers[0]
    assert "stopping now; calls that are cut: c" in daemon.stderr


@pytest.mark.e2e
def test_how_it_is_on_demand(sluice: Any, sandbox: Any) -> None:
    """SIGUSR1 writes to the log since when it runs, what runs and waits, and how the journal is, even where only errors
    are logged; and it goes on."""
    daemon = sluice(config(sandbox().url, limits="[{concurrency: 1}]"), log_level="error")
    body = json.dumps(CHATS[0].body("hang")).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {HOSTS['openai']}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for caller in (first, second):
            caller.connect(str(daemon.socket))
            caller.sendall(head.encode() + body)
        wait_until(lambda: json.loads(daemon.run("status", "--json").stdout)["daemon"]["running"] == 2, "they are in")
        daemon.signal(signal.SIGUSR1)
        wait_until(lambda: "runs since" in daemon.stderr, "the line in the log")
        assert re.search(
            rf" info .*\(pid {daemon.pid}\) runs since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d: calls here: 2, waiting: 1; "
            r"connections: \d; the journal is ok and has \d calls",
            daemon.stderr,
        )
    assert b" 200 " in get(daemon, HOSTS["openai"]).partition(b"\r\n")[0]


@pytest.mark.e2e
def test_a_log_that_was_moved_is_opened_again(sluice: Any) -> None:
    """SIGHUP after another program has moved the log file: the next line is in a new file of the old name."""
    daemon = sluice("log: {level: debug}\n", log_level="info")
    file = daemon.state_dir / "log" / "sluice.log"
    wait_until(lambda: "runs at" in file.read_text(), "the first line")
    file.rename(file.with_name("moved"))
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: file.exists() and "are in force" in file.read_text(), "the new file")
    assert "are in force" not in file.with_name("moved").read_text()


@pytest.mark.e2e
def test_what_cannot_be_written_hinders_nobody(sluice: Any) -> None:
    """No place for the log, the address or the journal: it runs, and says what is wrong and what that means."""
    daemon = sluice(begin=False)
    daemon.state_dir.mkdir(mode=0o700)
    (daemon.state_dir / "log").write_text("")
    (daemon.state_dir / "endpoint.json").mkdir()
    (daemon.state_dir / "journal.db").mkdir()
    daemon.begin()
    assert "sluice.log cannot be written" in daemon.stderr
    wait_until(lambda: "endpoint.json cannot be written" in daemon.stderr, "the other line in the log")
    status = daemon.run("status")
    assert status.returncode == 0
    assert "Journal: degraded" in status.stdout
    assert "Calls go through all the same" in status.stdout
    assert daemon.run("stop").stdout == "The daemon has stopped.\n"
    assert daemon.wait() == 0


@pytest.mark.e2e
def test_a_person_at_the_command_line(sluice: Any) -> None:
    """Options before the command, a relative socket from another folder, the level by environment; a second daemon
    ends with 3; `stop` comes back when the daemon has ended."""
    daemon = sluice(begin=False, env={"SLUICE_LOG_LEVEL": "error"})
    daemon.command = [sys.executable, "-m", "daemon", "--state-dir", "state", "--socket", "run/s"]
    daemon.start(re.compile(f"sluice ready: unix:{re.escape(str(daemon.folder))}/run/s"))
    assert daemon.stderr == ""
    second = daemon.run("--socket", "run/s", "--log-level", "debug", "serve")
    assert (second.returncode, second.stdout, len(second.stderr.splitlines())) == (3, "", 1)
    assert str(daemon.pid) in second.stderr
    told = re.search(r"`daemon (status --socket \S+)`", second.stderr)
    assert told is not None
    assert f"pid {daemon.pid}" in daemon.run(*told[1].split()).stdout
    assert daemon.run("stop", "--socket", "run/s").returncode == 0
    assert daemon.wait(5) == 0
