"""The daemon as a process: replaced while it works, started by systemd, without its socket, without room."""

from __future__ import annotations

import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from stage.privacy import exposed, is_private
from stage.processes import READY, Running
from stage.visitors import Rpc, RpcError, exchange, wait_until
from stage.world import CHATS, HOSTS, KEYS, config

pytestmark = pytest.mark.e2e

HELLO = b"GET /_sluice/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def pid_at(path: Path) -> int:
    """Who answers there."""
    return int(json.loads(exchange(path, HELLO).partition(b"\r\n\r\n")[2])["pid"])


def free_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def pid_by_tcp(daemon: Any, port: int) -> int:
    """Who answers at PORT."""
    token = (daemon.state_dir / "token").read_bytes().strip()
    request = b"GET /_sluice/hello HTTP/1.1\r\nHost: localhost:%d\r\nX-Sluice-Token: %b\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 30) as visitor:
        visitor.sendall(request % (port, token))
        return int(json.loads(visitor.makefile("rb").read().partition(b"\r\n\r\n")[2])["pid"])


@contextmanager
def successor(daemon: Any, tmp_path: Path, name: str = "next", *more: str) -> Iterator[Running]:
    """A second daemon with the files of DAEMON, which takes its place."""
    folder = tmp_path / name
    folder.mkdir()
    made = Running([*daemon.command, "--replace", *more], daemon.env, folder)
    try:
        made.start(READY)
        yield made
    finally:
        made.stop()


# ---- replaced


def test_replaced_while_it_works(sluice: Any, sandbox: Any, tmp_path: Path) -> None:
    """A stream goes on in the old one to its end, a call that waits in its queue is answered, and whoever connects
    meanwhile, by the socket or by TCP, is answered at once by one of the two: nobody is refused. The old one ends with
    0; the journal has all."""
    port = free_port()
    more = f"listen: 127.0.0.1:{port}\n"
    daemon = sluice(config(sandbox(chunk_s=0.02).url, limits="[{concurrency: 1}]", more=more), log_level="info")
    old, failed, seen, seen_by_tcp = daemon.pid, [], set(), set()
    over = threading.Event()

    def knock(by_tcp: bool) -> None:
        while not over.is_set():
            try:
                if by_tcp:
                    seen_by_tcp.add(pid_by_tcp(daemon, port))
                else:
                    seen.add(pid_at(daemon.socket))
            except (OSError, ValueError) as error:
                failed.append(repr(error))

    with Rpc(daemon.socket) as rpc, ExitStack() as stack:
        message = {"host": HOSTS["openai"], "key": KEYS["openai"], "messages": [{"role": "user", "content": "x"}]}
        stream = rpc.start("chat", model="long-200", **message)
        first = rpc.wait_for("delta")["call"]
        queued = rpc.start("chat", model="gpt-4o-mini", **message)
        knocking = [threading.Thread(target=knock, args=(by_tcp,)) for by_tcp in (False, True) * 3]
        for one in knocking:
            one.start()
        stack.callback(over.set)
        after = stack.enter_context(successor(daemon, tmp_path))
        wait_until(lambda: after.pid in seen & seen_by_tcp, "the new one answers")
        assert rpc.result(stream)["finish"] == "stop"
        waited = rpc.result(queued)["id"]
        assert daemon.wait() == 0
        over.set()
        for one in knocking:
            one.join(20)
        assert not failed
        assert seen == seen_by_tcp == {old, after.pid}
        assert json.loads((daemon.state_dir / "endpoint.json").read_text())["pid"] == after.pid
        with Rpc(daemon.socket) as fresh:
            wait_until(lambda: fresh.call("status")["journal"]["state"] == "ok", "the new one has the journal")
            states = {row["id"]: row["state"] for row in fresh.call("calls")["calls"]}
        assert (states[first], states[waited]) == ("done", "done")


def test_replaced_with_nobody_there(sluice: Any, tmp_path: Path) -> None:
    """`--replace` without a daemon is a start like any other."""
    daemon = sluice(begin=False)
    with successor(daemon, tmp_path) as first:
        assert pid_at(daemon.socket) == first.pid


def test_a_successor_that_dies_in_the_middle(sluice: Any) -> None:
    """Whoever asks for the place and goes before it has taken it changes nothing: the locks are ours again."""
    daemon = sluice(log_level="info")
    with Rpc(daemon.socket) as rpc:
        assert rpc.call("hand_over")["pid"] == daemon.pid
    wait_until(lambda: "did not come" in daemon.stderr, "it takes its locks again")
    assert daemon.run("serve").returncode == 3
    assert pid_at(daemon.socket) == daemon.pid


def test_a_successor_that_cannot_start(sluice: Any) -> None:
    """One with a broken configuration never asks for the place."""
    daemon = sluice("language: en\n")
    daemon.config.write_text("langauge: en\n")
    assert daemon.run("serve", "--replace").returncode == 1
    assert pid_at(daemon.socket) == daemon.pid


@pytest.mark.parametrize("what", ["a port that is taken", "an open token", "a sandbox that does not start"])
def test_a_successor_that_fails_late(sluice: Any, what: str) -> None:
    """Whatever hinders the new one before it serves (another program has the port of `listen`, the token's file is open
    to others, the sandbox's library is half installed): it says so and goes, and the old one serves on, with its locks
    and at its socket."""
    daemon = sluice("language: en\n", log_level="info")
    options, env, listen = [], dict(daemon.env), "127.0.0.1:0"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        if what == "a port that is taken":
            listen = f"127.0.0.1:{taken.getsockname()[1]}"
        elif what == "an open token":
            (daemon.state_dir / "token").write_text("x" * 40)
            (daemon.state_dir / "token").chmod(0o644)
        else:
            options, env = ["--sandbox"], {**env, "AIOHTTP_NO_EXTENSIONS": "1"}
        daemon.config.write_text(f"language: en\nlisten: {listen}\n")
        command = [*daemon.command, "--replace", *options]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    if what == "a sandbox that does not start":  # the others fail before the old one is asked for its locks
        wait_until(lambda: "did not come" in daemon.stderr, "it takes its locks again")
        wait_until(daemon.socket.exists, "its socket is there again")
    assert pid_at(daemon.socket) == daemon.pid
    assert daemon.run("serve").returncode == 3


# ---- its socket


def test_a_deleted_socket(sluice: Any) -> None:
    """SIGHUP looks at once, as the minute's look would: the socket is there again, and the old connection lives."""
    daemon = sluice()
    with Rpc(daemon.socket) as rpc:
        daemon.socket.unlink()
        daemon.signal(signal.SIGHUP)
        wait_until(daemon.socket.exists, "the socket is made again")
        assert pid_at(daemon.socket) == rpc.call("hello")["pid"] == daemon.pid
    assert daemon.socket.stat().st_mode & 0o777 == 0o600
    assert daemon.stop() == 0
    assert not daemon.socket.exists()


def test_a_socket_that_others_may_open(sluice: Any) -> None:
    """Mode 0777: we are served as before, the log says it once and how to mend it, and `check` says it, too."""
    daemon = sluice(log_level="warning")
    daemon.socket.chmod(0o777)
    for _ in range(2):
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: "can be opened by others" in daemon.stderr, "the warning")
    assert pid_at(daemon.socket) == daemon.pid
    assert daemon.stderr.count("can be opened by others") == 1
    check = daemon.run("check")
    assert f"chmod 600 {daemon.socket}" in check.stdout
    with Rpc(daemon.socket) as rpc:
        assert rpc.call("status")["daemon"]["turned_away"] == 0


# ---- reload


def test_a_thousand_reloads(sluice: Any, sandbox: Any) -> None:
    """By signal and by operation, half of them broken, while a stream runs: the stream comes whole, no broken file
    changes a setting, the last good one is in force, and nothing piles up."""
    provider = sandbox(chunk_s=0.01)
    good = config(provider.url)
    daemon = sluice(good, log_level="error")
    relay = f"- {{host: relay.example, url: '{provider.url}', provider: openai-compatible}}\n"
    broken = ("upstreams: [", relay + "nonsense: 1\n", "\x00", relay.replace("url", "lru"), "drain: -1s\n" + good)

    def allowed() -> bool:
        request = b"GET /v1/models HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n\r\n"
        return b" 200 " in exchange(daemon.socket, request).partition(b"\r\n")[0]

    with Rpc(daemon.socket) as rpc, Rpc(daemon.socket) as other:
        message = {"host": HOSTS["openai"], "key": KEYS["openai"], "messages": [{"role": "user", "content": "x"}]}
        stream = rpc.start("chat", model="long-200", **message)
        rpc.wait_for("delta")
        before = len(os.listdir(f"/proc/{daemon.pid}/fd")) if os.path.isdir(f"/proc/{daemon.pid}/fd") else None
        for number in range(500):
            daemon.config.write_text(broken[number % len(broken)], encoding="utf-8")
            daemon.signal(signal.SIGHUP)
            if number % 50 == 0:
                with pytest.raises(Exception, match=re.escape(str(daemon.config))):
                    other.call("reload")
                assert not allowed()
            daemon.config.write_text(good, encoding="utf-8")
            daemon.signal(signal.SIGHUP)
        assert rpc.result(stream)["finish"] == "stop"
        daemon.config.write_text(good + relay, encoding="utf-8")
        other.call("reload")
        assert allowed()
        after = len(os.listdir(f"/proc/{daemon.pid}/fd")) if before is not None else None
    assert after == before or (after is not None and before is not None and after <= before + 2)


# ---- no room


def test_many_slow_visitors(sluice: Any) -> None:
    """256 who began a request and do not go on: the 257th is told so at once, and served when one of them is gone."""
    daemon = sluice("max_connections: 256\n")
    with ExitStack() as stack:
        slow = []
        for _ in range(256):
            visitor = stack.enter_context(socket.socket(socket.AF_UNIX))
            visitor.connect(str(daemon.socket))
            visitor.sendall(b"GET /v1/models HTTP/1.1\r\n")
            slow.append(visitor)
        began = time.monotonic()
        answer = exchange(daemon.socket, HELLO)
        assert time.monotonic() - began < 5
        assert b" 503 " in answer.partition(b"\r\n")[0] or b" 200 " in answer.partition(b"\r\n")[0]
        for visitor in slow[:8]:
            visitor.close()
        wait_until(lambda: b" 200 " in exchange(daemon.socket, HELLO).partition(b"\r\n")[0], "served again")


def test_as_many_as_an_sdk_sends_at_once_are_let_in(sluice: Any) -> None:
    """Nine hundred requests at the same time, as `asyncio.gather` over the official SDK makes them (it opens up to a
    thousand connections): none is turned away at the door."""
    daemon = sluice()
    with ExitStack() as stack:
        inside = []
        for _ in range(900):
            visitor = stack.enter_context(socket.socket(socket.AF_UNIX))
            visitor.settimeout(30)
            visitor.connect(str(daemon.socket))
            visitor.sendall(HELLO[:-2])
            inside.append(visitor)
        for visitor in inside:
            visitor.sendall(HELLO[-2:])
        assert {visitor.recv(9999)[9:12] for visitor in inside} == {b"200"}


def test_both_languages_are_counted_together(sluice: Any) -> None:
    """With room for four, two who speak HTTP and two who speak JSON-RPC are in: the fifth is told so at once, whichever
    it speaks, and served when one of them is gone."""
    daemon = sluice("max_connections: 4\n")
    hello = b'{"jsonrpc":"2.0","id":1,"method":"hello"}\n'
    with ExitStack() as stack:
        inside = []
        for said in (HELLO.replace(b"Connection: close\r\n", b""), hello) * 2:
            visitor = stack.enter_context(socket.socket(socket.AF_UNIX))
            visitor.settimeout(30)
            visitor.connect(str(daemon.socket))
            visitor.sendall(said)
            assert b"200 OK" in visitor.recv(9999) if said != hello else b'"result"' in visitor.recv(9999)
            inside.append(visitor)
        assert b" 503 " in exchange(daemon.socket, HELLO).partition(b"\r\n")[0]
        with Rpc(daemon.socket) as rpc:
            with pytest.raises(RpcError, match="no more connections") as refused:
                rpc.call("hello")
            assert (refused.value.code, refused.value.data["retry_after_s"]) == (-32010, 1)
        inside[1].close()
        wait_until(lambda: b" 200 " in exchange(daemon.socket, HELLO).partition(b"\r\n")[0], "served again")


def test_visitors_by_tcp_leave_room_for_others(sluice: Any) -> None:
    """With 64 descriptors there is room for eight by TCP, whatever max_connections says, and as many by the socket: of
    twenty who come by TCP twelve are turned away, and who comes by the socket is served."""
    port = free_port()
    daemon = sluice(f"listen: 127.0.0.1:{port}\n", begin=False)
    daemon.command = ["sh", "-c", 'ulimit -Sn 64; ulimit -Hn 64; exec "$@"', "sh", *daemon.command]
    daemon.begin()
    with ExitStack() as stack:
        visitors = []
        for _ in range(20):
            visitor = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            visitor.sendall(b"G")
            visitors.append(visitor)

        def turned_away() -> int:
            gone, _, _ = select.select(visitors, [], [], 0)
            return len(gone)

        wait_until(lambda: turned_away() == 12, "twelve are turned away")
        assert pid_at(daemon.socket) == daemon.pid
        assert turned_away() == 12


def test_descriptors_are_used_up(sluice: Any) -> None:
    """With 64 descriptors and 150 who say nothing: it lives, says so in a few lines without a traceback, and serves as
    soon as they are gone."""
    limit = resource.RLIMIT_NOFILE
    daemon = sluice(begin=False, log_level="error")
    daemon.command = ["sh", "-c", 'ulimit -Sn 64; ulimit -Hn 64; exec "$@"', "sh", *daemon.command]
    daemon.begin()
    assert resource.prlimit(daemon.pid, limit) == (64, 64)
    with ExitStack() as stack:
        for _ in range(150):
            visitor = stack.enter_context(socket.socket(socket.AF_UNIX))
            visitor.connect(str(daemon.socket))
        if find_spec("uvloop") is None:  # which turns them away by itself, and says nothing
            wait_until(lambda: "files may be open here" in daemon.stderr, "it says that there is no room")
    began = time.monotonic()
    wait_until(lambda: pid_at(daemon.socket) == daemon.pid, "served again")
    assert time.monotonic() - began < 15
    assert len(daemon.stderr.splitlines()) < 20
    assert "Traceback" not in daemon.stderr


def test_a_reader_that_never_reads(sluice: Any, sandbox: Any) -> None:
    """Its stream stops where the buffers are full; others are served, memory stays, and the daemon ends in time."""
    daemon = sluice(config(sandbox(chunk_s=0.0, requests_per_minute=None, tokens_per_minute=None).url))
    body = json.dumps(CHATS[0].body("long-20000", stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {HOSTS['openai']}\r\nContent-Length: {len(body)}\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(10):
            stuck = stack.enter_context(socket.socket(socket.AF_UNIX))
            stuck.connect(str(daemon.socket))
            stuck.sendall(head.encode() + body)
        status = lambda: json.loads(daemon.run("status", "--json").stdout)["daemon"]["running"]  # noqa: E731
        wait_until(lambda: status() >= 1, "they run")
        assert pid_at(daemon.socket) == daemon.pid
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{daemon.pid}/status").read_text())
        assert peak is None or int(peak[1]) < 300_000
        daemon.signal(signal.SIGTERM)
        time.sleep(0.6)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait(15) in (0, 1)


# ---- systemd


@pytest.mark.skipif(
    shutil.which("systemd-socket-activate") is None, reason="needs systemd-socket-activate: apt-get install systemd"
)
def test_started_by_a_visitor(sluice: Any, tmp_path: Path) -> None:
    """systemd opens the socket, the first visitor starts the daemon and is answered; the socket stays when it ends."""
    daemon = sluice(begin=False)
    command = [word for word in daemon.command if word not in ("--socket", str(daemon.socket))]
    activate = ["systemd-socket-activate", f"--listen={daemon.socket}", "--fdname=http"]
    passed = [f"--setenv={name}" for name in daemon.env]
    folder = tmp_path / "activated"
    folder.mkdir()
    run = subprocess.Popen(
        [*activate, *passed, *exposed(command)],
        env=daemon.env,
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(daemon.socket.exists, "it listens")
        daemon.socket.chmod(0o666)
        assert pid_at(daemon.socket) == run.pid
        assert json.loads((daemon.state_dir / "endpoint.json").read_text())["socket"] == str(daemon.socket)
        with Rpc(daemon.socket) as rpc, pytest.raises(Exception, match="systemctl"):
            rpc.call("hand_over")
        assert is_private(run.pid)  # nobody reads what it was given
    finally:
        run.terminate()
        _, said = run.communicate(timeout=20)
        assert run.returncode == 0, said
        assert run.stderr is not None
        run.stderr.close()
    assert daemon.socket.exists()


class Systemd:
    """What systemd does for a unit with a socket: holds it, starts the daemon for who knocks, and hears how it is."""

    def __init__(self, daemon: Any) -> None:
        self._daemon = daemon
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(daemon.socket))
        self.socket.listen(512)
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(str(daemon.socket.parent / "notify"))
        self.ear.settimeout(30)
        self.run: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with a copy of the socket as its third descriptor."""
        become = (
            "import os, sys\n"
            "os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True)\n"
            "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'http'}\n"
            "os.execv(sys.argv[2], sys.argv[2:])\n"
        )
        ours = str(self._daemon.socket)
        words = [word for word in self._daemon.command if word not in ("--socket", ours)]
        notify = {"NOTIFY_SOCKET": self.ear.getsockname(), "WATCHDOG_USEC": "200000"}
        self.run = subprocess.Popen(
            [sys.executable, "-c", become, str(self.socket.fileno()), *words],
            env={**self._daemon.env, **notify},
            pass_fds=[self.socket.fileno()],
            stderr=subprocess.DEVNULL,
        )
        self.hear(b"READY=1")

    def start_for_who_knocks(self) -> None:
        """Wait until somebody is at the socket."""
        assert select.select([self.socket], [], [], 30)[0]
        self.start()

    def hear(self, *words: bytes) -> None:
        """Wait until it says one of WORDS."""
        while not self.ear.recv(999).startswith(words):
            pass

    def ended(self) -> int:
        """Its exit code, when it has ended."""
        assert self.run is not None
        return self.run.wait(30)

    def close(self) -> None:
        """End all."""
        if self.run is not None and self.run.poll() is None:
            self.run.terminate()
            self.run.wait(30)
        self.socket.close()
        self.ear.close()


@pytest.fixture
def systemd(sluice: Any) -> Iterator[Systemd]:
    """A daemon that ends when nobody has used it for 0.3 s; it looks every 0.1 s, since a watchdog wants to be fed."""
    made = Systemd(sluice("idle_exit: 300ms\n", begin=False))
    yield made
    made.close()


def test_nobody_uses_it(systemd: Systemd) -> None:
    """It says so, ends with 0, and leaves the socket where it is; who comes next is answered by a new one. An open
    connection is use, also one that only hears of changes."""
    systemd.start()
    place = Path(systemd.socket.getsockname())
    with Rpc(place) as rpc:
        rpc.call("subscribe", topics=["queue"])
        for _ in range(10):
            systemd.hear(b"WATCHDOG=1")
        first = rpc.call("hello")["pid"]
        assert systemd.run is not None
        assert first == systemd.run.pid
    systemd.hear(b"STOPPING=1")
    assert systemd.ended() == 0
    assert place.is_socket()
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(place))
        visitor.sendall(HELLO)
        systemd.start_for_who_knocks()
        answer = visitor.makefile("rb").read()
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["pid"] == systemd.run.pid != first


def test_who_comes_while_it_ends(systemd: Systemd) -> None:
    """A call that comes at the moment when the daemon has said that it ends, or around that, is refused by nobody: it
    is answered by the one that ends or by the next one."""
    place = Path(systemd.socket.getsockname())
    systemd.start()
    for number in range(12):
        if number % 2:
            for _ in range(number // 3):
                systemd.hear(b"WATCHDOG=1", b"STOPPING=1")
        else:
            systemd.hear(b"STOPPING=1")
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.settimeout(30)
            visitor.connect(str(place))
            visitor.sendall(HELLO)
            while not select.select([visitor], [], [], 0.05)[0]:
                if systemd.run is not None and systemd.run.poll() is not None:
                    assert systemd.ended() == 0
                    systemd.start_for_who_knocks()
            assert visitor.makefile("rb").read().startswith(b"HTTP/1.1 200 ")
        if systemd.run is None or systemd.run.poll() is not None:
            systemd.start()


def test_what_systemd_hears(sluice: Any, tmp_path: Path) -> None:
    """READY when it serves; RELOADING and READY around a reload; WATCHDOG only when asked; STOPPING at the end."""
    daemon = sluice(begin=False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(daemon.socket.parent / "notify"))
        receiver.settimeout(20)
        daemon.env = {**daemon.env, "NOTIFY_SOCKET": str(daemon.socket.parent / "notify"), "WATCHDOG_USEC": "200000"}
        daemon.begin()
        heard = [receiver.recv(999)]
        assert heard[0].startswith(b"READY=1\nSTATUS=serves at ")
        daemon.signal(signal.SIGHUP)
        while not heard[-1].startswith(b"READY=1") or len(heard) < 3:
            heard.append(receiver.recv(999))
        assert any(one.startswith(b"RELOADING=1\nMONOTONIC_USEC=") for one in heard)
        while heard[-1] != b"WATCHDOG=1":
            heard.append(receiver.recv(999))
        daemon.signal(signal.SIGTERM)
        while not heard[-1].startswith(b"STOPPING=1"):
            heard.append(receiver.recv(999))
        assert daemon.wait() == 0


def test_no_watchdog_unasked(sluice: Any) -> None:
    """Without NOTIFY_SOCKET nothing is sent, and a socket that is said twice and differs is refused."""
    daemon = sluice(begin=False)
    code = (
        "import os, socket, sys\n"
        "sock = socket.socket(socket.AF_UNIX); sock.bind(sys.argv[1]); sock.listen()\n"
        "os.dup2(sock.fileno(), 3); os.set_inheritable(3, True)\n"
        "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1'}\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])\n"
    )
    given = daemon.socket.with_name("g")
    run = [sys.executable, "-c", code, str(given), *daemon.command[1:]]
    done = subprocess.run(run, env=daemon.env, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert str(given) in done.stderr
    assert str(daemon.socket) in done.stderr
