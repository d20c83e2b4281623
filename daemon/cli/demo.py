"""`daemon demo`: the product in a terminal in under a minute, against the built-in sandbox provider.

A burst of 30 calls against 10 a (scaled) minute, then three different failures with their explanations and curl
commands, one of which is replayed in a shell. Needs no key and no network.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess  # it starts the daemon, the sandbox and curl, with fixed arguments
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from daemon.cli.terminal import say
from daemon.columns import width
from daemon.errors import Refusal
from daemon.phrases import phrase, teller

BURST = 30
PER_MINUTE = 10
MINUTE_S = 6.0

_FAILURES = (
    ("insufficient-quota", "demo.no_credit"),
    ("not-in-plan", "demo.not_in_plan"),
    ("html-429", "demo.web_page"),
)


def run(language: str = "en") -> int:
    """Show it in LANGUAGE; 0 when all went as promised."""
    tell = teller(language)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as by C-c: the daemon and the sandbox go with us
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-demo-")))
        folder.chmod(0o700)
        url = stack.enter_context(_sandbox())
        socket_path = stack.enter_context(_daemon(folder, url, language))
        say([tell("demo.sandbox", n=PER_MINUTE, seconds=MINUTE_S)])
        say(["", tell("demo.burst", n=BURST, lost=BURST - PER_MINUTE), ""])
        answered = burst(socket_path, language)
        say(["", tell("demo.failures")])
        ids = [fail(socket_path, model, what, language) for model, what in _FAILURES]
        say(["", tell("demo.again"), ""])
        replayed = replay(folder, socket_path, ids[0], language)
        say(["", tell("demo.end")])
        return 0 if answered == BURST and replayed else 1


def burst(socket_path: Path, language: str = "en") -> int:
    """Send the burst with a progress display; the number of calls that were answered with 200."""
    began, tell = time.monotonic(), teller(language)
    live = sys.stdout.isatty()
    pool = ThreadPoolExecutor(BURST)
    try:
        sent = [pool.submit(_send, socket_path, "echo", number) for number in range(BURST)]
        left: set[Future[tuple[int, bytes, str]]] = set(sent)
        while left:
            left = wait(left, timeout=0.2 if live else 3.0).not_done
            _progress(tell, BURST - len(left), began, end="\r" if live and left else "\n")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who presses C-c does not want to wait for the answers
    good = sum(1 for one in sent if one.exception() is None and one.result()[0] == 200)
    say([tell("demo.answered", good=good, n=BURST, lost=BURST - good, seconds=time.monotonic() - began)])
    return good


def _progress(tell: Callable[..., str], done: int, began: float, *, end: str) -> None:
    full, empty = "█░" if (sys.stdout.encoding or "").lower().startswith("utf") else "#."
    bar = full * done + empty * (BURST - done)
    print(tell("demo.progress", bar=bar, done=done, n=BURST, seconds=time.monotonic() - began), end=end, flush=True)


def fail(socket_path: Path, model: str, what: str, language: str = "en") -> str:
    """Provoke one failure and print what a person gets; returns the call's id. WHAT names the heading's words."""
    tell = teller(language)
    heading = tell(what)
    status, body, call = _send(socket_path, model, 0)
    explained = _rpc(socket_path, "explain", {"call": call, "language": language})
    say([f"\n── {heading}: HTTP {status} " + "─" * max(0, 60 - width(heading))])
    say([tell("demo.echo_area"), "  " + json.loads(body)["error"]["message"]])
    say(["", tell("demo.whole"), ""])
    say("  " + line for line in explained["text"].splitlines())
    return call


def replay(folder: Path, socket_path: Path, call: str, language: str = "en") -> bool:
    """Run the call's curl command in a shell; True if it shows the same status."""
    command = _rpc(socket_path, "curl", {"call": call})["command"]
    if shutil.which("curl") is None:
        say([teller(language)("demo.no_curl"), *command.split("\n")])
        return True
    say([*command.split("\n"), ""])
    script = folder / "replay.sh"
    script.write_text(command.replace("curl -q", "curl -q -i", 1) + "\n", encoding="utf-8")
    environment = {**os.environ, "OPENAI_API_KEY": "demo"}
    done = subprocess.run(  # noqa: S603
        [shutil.which("sh") or "/bin/sh", str(script)],
        capture_output=True, timeout=20, check=False, env=environment,
    )  # fmt: skip
    answer = done.stdout.decode("utf-8", "replace")
    say("  " + line for line in answer.splitlines())
    return " 429 " in answer.partition("\n")[0] + " "


def _send(socket_path: Path, model: str, number: int) -> tuple[int, bytes, str]:
    """One chat call over the socket, as any HTTP client does it."""
    text = json.dumps({"model": model, "messages": [{"role": "user", "content": f"Hello number {number}"}]})
    connection = _UnixConnection(socket_path)
    headers = {"Host": "api.openai.com", "Content-Type": "application/json", "Authorization": f"Bearer demo-{model}"}
    connection.request("POST", "/v1/chat/completions", text, headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, answer.getheader("X-Sluice-Call") or ""


class _UnixConnection(http.client.HTTPConnection):
    """The standard library's HTTP client over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


def _rpc(socket_path: Path, method: str, params: dict[str, Any]) -> Any:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(20)
        sock.connect(str(socket_path))
        sock.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
        with sock.makefile("rb") as lines:
            answer = json.loads(lines.readline() or b"{}")
    if "result" not in answer:
        raise Refusal(phrase("demo.silent", method=method, why=str(answer.get("error", "-"))))
    return answer["result"]


@contextlib.contextmanager
def _sandbox() -> Iterator[str]:
    arguments = ["-m", "daemon.sandbox", "--port", "0", "--requests-per-minute", str(PER_MINUTE)]
    with _child([*arguments, "--minute", f"{MINUTE_S:g}s"]) as first_line:
        yield first_line.split()[-1]


@contextlib.contextmanager
def _daemon(folder: Path, url: str, language: str = "en") -> Iterator[Path]:
    config = folder / "config.yaml"
    config.touch(mode=0o600)  # others may not write it, whatever the umask is
    config.write_text(
        f"language: {language}\n"
        f"upstreams:\n- {{host: api.openai.com, url: '{url}', provider: openai, minute: {MINUTE_S:g}s}}\n"
    )
    place = folder / "s.sock"
    arguments = ["serve", "--socket", str(place), "--config", str(config), "--state-dir", str(folder / "state")]
    with _child(["-m", "daemon", *arguments, "--log-level", "error"]):
        yield place


@contextlib.contextmanager
def _child(arguments: list[str]) -> Iterator[str]:
    """A Python child process; yields the first line that it prints. Raises Refusal.

    It runs the code that we are, not what is called `daemon` in the folder where we stand.
    """
    here = str(Path(__file__).absolute().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}
    command = [sys.executable, "-P", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise Refusal(phrase("demo.not_started", command=" ".join(arguments[:3])))
        yield line
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
