"""One short life of the whole daemon in this process, with a system call of it that fails, and what must hold after it.

A start, calls that succeed and fail, questions by both doors and by TCP, a reload, a socket that is deleted, an end; a
terminal, and a log file that is soon full. Everything is real but the provider, which is the sandbox on its own port.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from daemon import log
from daemon.app import App, open_journal
from daemon.config import Paths, default_paths, load
from daemon.doors import rundir
from daemon.doors.claim import locks, own_folder
from daemon.doors.listener import Listener
from daemon.doors.standing import Standing
from daemon.errors import Refusal
from daemon.process import install_secret
from daemon.redact import Redactor
from faults.injection import Faults, injected, spared

HOST = "api.openai.com"
HANG_S = 20.0
KEY = "CANARY-fault-0123456789abcdef"
EXPECTED = ("socket.accept()",)
"""What the event loop may say: it could not accept, and tries again."""
SMALL_LOG = 1000
"""Bytes of a log file, so that one life begins a second one."""
WRITTEN = ("install-secret", "token.new", "endpoint.json.new", ".request-half", "sluice.log")
"""Ends of the names of the files that a life writes."""


@dataclass
class Life:
    """What came of one life."""

    faults: Faults
    refused: str = ""
    """Why it did not start, in words."""
    answers: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What must not be: hangs, leaks, faults that nobody caught."""


class _Ear(logging.Handler):
    """Hears of faults that nobody caught where they arose: the event loop, asyncio, and whoever logs a traceback."""

    def __init__(self, life: Life) -> None:
        super().__init__(logging.DEBUG)
        self._life = life

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        fault = text.startswith("event loop: ") or record.name == "asyncio" or bool(record.exc_info)
        if record.levelno >= logging.ERROR and fault and not any(known in text for known in EXPECTED):
            self._life.wrong.append(f"nobody caught: {text} {record.exc_info}")


@contextlib.contextmanager
def _nobody_else_catches(life: Life) -> Iterator[None]:
    """Within, an exception that ends a thread, or that Python can only print, is wrong; so is a thread that is left."""
    before, hooks = set(threading.enumerate()), (threading.excepthook, sys.unraisablehook)
    threading.excepthook = lambda told: life.wrong.append(f"a thread ended with {told.exc_value!r}")
    sys.unraisablehook = lambda told: life.wrong.append(f"nobody could catch {told.exc_value!r} of {told.object!r}")
    try:
        yield
        gc.collect()
        if left := [thread.name for thread in threading.enumerate() if thread not in before]:
            life.wrong.append(f"threads left: {left}")
    finally:
        threading.excepthook, sys.unraisablehook = hooks


def live(sandbox_url: str, at: int = 0) -> Life:
    """Live once; system call number AT fails (0: none)."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    folder.chmod(0o700)
    upstream = f"{{host: {HOST}, url: '{sandbox_url}', provider: openai}}"
    (folder / "config.yaml").write_text(f"upstreams: [{upstream}]\nlisten: 127.0.0.1:0\n")
    (folder / "config.yaml").chmod(0o600)
    gc.collect()
    before = _descriptors()
    with injected(at) as faults:
        life = Life(faults)
        ear = _Ear(life)
        logging.getLogger().addHandler(ear)
        try:
            with _nobody_else_catches(life):
                _in_time(life, folder)
        finally:
            logging.getLogger().removeHandler(ear)
    if left := _descriptors() - before:
        life.wrong.append(f"descriptors left open: {sorted(left)}")
    halves = [str(path) for path in folder.rglob("*") if path.name.endswith((".new", "-half", "~"))]
    if halves:
        life.wrong.append(f"temporary files left: {halves}")
    shutil.rmtree(folder, ignore_errors=True)
    return life


def _in_time(life: Life, folder: Path) -> None:
    environ = {"HOME": str(folder), "SLUICE_SOCKET": str(folder / "r" / "s"), "SLUICE_STATE_DIR": str(folder / "st")}
    paths = default_paths({**environ, "SLUICE_CONFIG": str(folder / "config.yaml")})
    for _ in range(2):  # the second time on what the first has left behind
        failed_before = bool(life.faults.failed)
        try:
            with contextlib.ExitStack() as stack:
                _serve(life, paths, stack)
        except Refusal as refusal:
            life.refused = refusal.message
            if failed_before or not life.refused.strip():
                life.wrong.append(f"refused without a word, or once more: {refusal.message}")
        except TimeoutError:
            life.wrong.append("it hangs")
        except Exception as error:
            life.wrong.append(f"it ended with {type(error).__name__}: {error}")


def _serve(life: Life, paths: Paths, stack: contextlib.ExitStack) -> None:
    """The steps of `daemon.app.serve`, less what belongs to the process as a whole."""
    config = load(paths.config_file, environ={})
    own_folder(paths.state_dir, "--state-dir", "sluice")
    own_folder(paths.socket.parent, "--socket", "sluice/s")
    held = locks(paths.state_dir, paths.socket, paths.endpoint_file)
    for lock in held:
        stack.callback(lock.release)
    redactor = Redactor(install_secret(paths.state_dir / "install-secret"))
    output = log.set_up(redactor, level="info", style="text", file=paths.log_file, max_bytes=SMALL_LOG, keep=1)
    with spared():  # a terminal of its own, not the test's
        output.targets[0].stream = stack.enter_context((paths.state_dir / "terminal").open("a", encoding="utf-8"))
    stack.callback(log.take_down, output)
    journal = open_journal(config, paths, redactor)
    stack.callback(journal.close)
    ready = threading.Event()
    app = App(
        config, paths, redactor, journal, environ={}, sandbox=False, ready=lambda *_: ready.set(), log_output=output
    )
    sock = rundir.bind(paths.socket)
    standing = Standing(paths.socket, held)
    stack.callback(standing.end)
    stack.callback(sock.close)
    assert config.listen is not None
    app.listener = Listener(config.listen, paths.state_dir / "token", config.listen_hosts)
    stack.callback(app.listener.close)
    with asyncio.Runner() as runner:
        runner.run(_both(life, app, sock, standing, paths))


async def _both(life: Life, app: App, sock: socket.socket, standing: Standing, paths: Paths) -> None:
    serving = asyncio.create_task(app.run(sock, standing))
    try:
        async with asyncio.timeout(HANG_S):
            visiting = asyncio.create_task(asyncio.to_thread(_visit, life, app, paths))
            await asyncio.wait({serving, visiting}, return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                await visiting
                _look_at(life, app)
                app._stopping.asked.set()
            await serving
    finally:
        serving.cancel()
        sock.close()  # as the end of the process would: nobody waits for a daemon that did not start
        if app.listener is not None:
            app.listener.close()


def _look_at(life: Life, app: App) -> None:
    """Nothing runs any more, and no slot is held."""
    if app._gateway.running:
        life.wrong.append(f"calls still run: {list(app._gateway.running)}")
    held = [pool for account in app._pacer._accounts for pool in account.pools.values() if pool.in_flight]
    if held:
        life.wrong.append(f"slots still held: {held}")


def _visit(life: Life, app: App, paths: Paths) -> None:
    """A visitor's day: each request is answered, or its connection is closed."""
    with spared():
        _knock(paths.socket)
        _visit_by_tcp(life, app, paths)
        for model, stream in (("gpt-4o-mini", False), ("gpt-4o-mini", True), ("insufficient-quota", False)):
            life.answers.append(_ask(life, paths.socket, _chat(model, stream)))
        for question in ("status", "calls", "show", "hello", "forget", "reload"):
            asked = {"show": b'{"call":"last"}', "forget": b'{"all":true}'}.get(question, b"")
            life.answers.append(_ask(life, paths.socket, _http(f"/_sluice/{question}", "localhost", asked)))
        life.answers.append(_ask(life, paths.socket, b'{"jsonrpc":"2.0","id":1,"method":"limits"}\n', json_line=True))
        with contextlib.suppress(OSError):
            paths.socket.unlink()
        with contextlib.suppress(OSError):
            os.kill(os.getpid(), 1)  # SIGHUP: reload, and look after the socket


def _visit_by_tcp(life: Life, app: App, paths: Paths) -> None:
    """A call and a question by the other way in, with the token."""
    assert app.listener is not None
    ours = app.listener.url.removeprefix("http://")
    port, token = int(ours.rpartition(":")[2]), (paths.state_dir / "token").read_text().strip()
    chat = _chat("gpt-4o-mini", False, f"/to/{HOST}", ours).replace(
        b"\r\n", f"\r\nX-Sluice-Token: {token}\r\n".encode(), 1
    )
    life.answers.append(_ask(life, port, chat))
    hello = {"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {"token": token}}
    life.answers.append(_ask(life, port, json.dumps(hello).encode() + b"\n", json_line=True))


def _knock(path: Path) -> None:
    """Wait until somebody listens; a daemon that did not start is not waited for long."""
    for _ in range(200):
        with socket.socket(socket.AF_UNIX) as visitor:
            if visitor.connect_ex(str(path)) == 0:
                return
        threading.Event().wait(0.005)


def _http(target: str, host: str, body: bytes = b"") -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _chat(model: str, stream: bool, before: str = "", host: str = HOST) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": "x"}], "stream": stream}
    return _http(f"{before}/v1/chat/completions", host, json.dumps(body).encode())


def _ask(life: Life, where: Path | int, request: bytes, json_line: bool = False) -> str:
    """The first line of what is answered at WHERE, a path or a port; `closed`, or what is wrong with it."""
    with socket.socket(socket.AF_INET if isinstance(where, int) else socket.AF_UNIX) as visitor:
        visitor.settimeout(HANG_S / 2)
        try:
            visitor.connect(("127.0.0.1", where) if isinstance(where, int) else str(where))
            visitor.sendall(request)
            data = b""
            while piece := visitor.recv(65536):
                data += piece
                if json_line and b"\n" in data:
                    break
        except TimeoutError:
            life.wrong.append(f"no answer to {request[:40]!r}")
            return "hang"
        except OSError as error:
            return f"closed ({error.strerror})"
    if not data:
        return "closed"
    return _checked(life, data, json_line)


def _checked(life: Life, data: bytes, json_line: bool) -> str:
    head, _, body = data.partition(b"\r\n\r\n")
    first = data.splitlines()[0].decode("utf-8", "replace")[:80]
    if json_line:
        json.loads(data.splitlines()[0])
    elif not head.startswith(b"HTTP/1.1 "):
        life.wrong.append(f"no HTTP: {first}")
    elif int(head.split(b" ")[1]) >= 400 and not json.loads(body)["error"]["message"]:
        life.wrong.append(f"refused without a word: {first}")
    return first


def _descriptors() -> set[str]:
    """The open files of this process, by number and what they are."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
    return found


def unwritten(files: Iterable[str]) -> list[str]:
    """Which of the files that a life writes are not among FILES."""
    return [name for name in WRITTEN if not any(file.endswith(name) for file in files)]
