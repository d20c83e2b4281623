"""What the journal costs: time of a question, bytes of a call, time in the way of a call.

    python benchmarks/journal.py                  100,000 calls; takes some minutes
    python benchmarks/journal.py --calls 5000     fewer
    python benchmarks/journal.py --calls 0        only what a call pays

1. So many calls, each with the events and header fields of a streamed chat, one in twenty failed, are recorded as the
   daemon records them. The size of the database and of its bodies is divided by their number.
2. `daemon calls --failed` is started as a process, eleven times, and the median counts: without a daemon and with one.
3. The real daemon sends calls to the sandbox. Added latency is the median of a call through it less that of one that
   goes straight to the sandbox. Each `Journal.record` is timed in the daemon, where it stands in the way of its call.
   What the journal's thread does meanwhile is not in that: so the same is measured with a journal that records nothing.

Exit status 1: a bound was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from daemon.journal import Journal  # noqa: E402
from daemon.model import (  # noqa: E402
    Ask,
    Call,
    Estimate,
    Event,
    Explanation,
    Failure,
    Finding,
    Origin,
    Reading,
    Scope,
    Usage,
)
from daemon.redact import Redactor  # noqa: E402

QUESTION_S = 0.3
SHARE = 0.02
BATCH = 500
"""Calls that are recorded before the disk is waited for: the queue in front of the thread is bounded."""

HEADERS = (
    ("Date", "Mon, 05 Jan 2026 10:00:00 GMT"), ("Content-Type", "text/event-stream; charset=utf-8"),
    ("x-request-id", "req_5b1f0c7e9a3d4f6b8c2e"), ("openai-processing-ms", "412"), ("Server", "cloudflare"),
    ("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "499"),
    ("x-ratelimit-reset-requests", "120ms"), ("x-ratelimit-limit-tokens", "30000"),
    ("x-ratelimit-remaining-tokens", "29100"), ("x-ratelimit-reset-tokens", "1.8s"), ("CF-RAY", "8a7b6c5d4e3f2a1b-FRA"),
    ("Set-Cookie", "a" * 120),
)  # fmt: skip
READINGS = (Reading("requests", 500.0, 499.0, 0.12, 60.0), Reading("tokens", 30000.0, 29100.0, 1.8, 60.0))
SENT = (
    ("Content-Type", "application/json"), ("Authorization", "Bearer CANARY-benchmark-key"), ("Accept", "*/*"),
    ("User-Agent", "curl/7.88.1"), ("Accept-Encoding", "deflate, gzip"),
)  # fmt: skip
BODY = json.dumps({"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "word " * 400}]})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result."""

    what: str
    reached: str
    wanted: str = ""
    ok: bool = True


# ---- rows


def call(n: int, redactor: Redactor, at: float) -> Call:
    """A streamed chat."""
    name = f"c{n:08x}"
    return Call(
        id=name,
        origin=Origin("api.openai.com", "https://api.openai.com", "openai"),
        scope=Scope("api.openai.com", redactor.secret("CANARY-benchmark-key").name, "gpt-4o-mini"),
        method="POST",
        target=redactor.target("/v1/chat/completions"),
        headers=tuple((name, redactor.header(name, value)) for name, value in SENT),
        body=BODY.encode(),
        ask=Ask(kind="chat", model="gpt-4o-mini", stream=True),
        estimate=Estimate(510.0, 512.0, 200.0),
        client=("gptel", "curl", "notes")[n % 3],
        arrived_at=at,
    )


def story(one: Call, failed: bool) -> list[Event]:
    """Its events."""
    at = one.arrived_at
    before = [Event("queued", one, at), Event("admitted", one, at, 1, wait_s=0.4), Event("sent", one, at + 0.4, 1)]
    if failed:
        failure = Failure(429, HEADERS, b'{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}')
        finding = Finding("insufficient_quota", "billing", "never", "sure", "openai", 429, original="You exceeded")
        words = Explanation(finding, "en", "OpenAI: no credit left.", "Out of credit", "t", "what", "why", "now")
        told = {"failure": failure, "explanation": words, "final": True, "headers": HEADERS}
        return [*before, Event("failed", one, at + 1, 1, status=429, **told)]  # type: ignore[arg-type]
    return [
        *before,
        Event("answered", one, at + 0.8, 1, status=200, headers=HEADERS, readings=READINGS),
        Event("first_byte", one, at + 0.9, 1),
        Event("done", one, at + 4, 1, status=200, usage=Usage(512, 180), bytes_out=18_000, final=True),
    ]


async def record(folder: Path, calls: int) -> tuple[float, int, int]:
    """Record CALLS in FOLDER; return seconds, bytes of the database, bytes of the bodies."""
    redactor = Redactor(b"benchmark")
    journal = Journal(folder, redactor=redactor, max_bytes=1 << 40)
    journal.start()
    begun, now = time.monotonic(), time.time() - calls
    for n in range(calls):
        for event in story(call(n, redactor, now + n), n % 20 == 0):
            journal.record(event)
        if n % BATCH == BATCH - 1:
            assert await journal.flush()
    assert await journal.flush()
    seconds = time.monotonic() - begun
    assert journal.health()["dropped"] == 0
    journal.close()
    bodies = sum(path.stat().st_size for path in (folder / "bodies").iterdir())
    return seconds, (folder / "journal.db").stat().st_size, bodies


# ---- processes


def environment(folder: Path) -> dict[str, str]:
    """Where this benchmark's daemon has its things."""
    told = {
        "SLUICE_SOCKET": folder / "s",
        "SLUICE_STATE_DIR": folder / "state",
        "SLUICE_CONFIG": folder / "config.yaml",
    }
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    return {**quiet, **{name: str(value) for name, value in told.items()}, "PYTHONPATH": str(ROOT)}


def started(command: list[str], folder: Path, ready: str) -> tuple[subprocess.Popen[str], re.Match[str]]:
    """The process and the match of the line that says that it is ready. Raises RuntimeError when it never is."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    process = subprocess.Popen(command, env=environment(folder), **pipes)
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(ready, line):
            return process, found
    raise RuntimeError(f"{command} ended without a word")


def question(folder: Path) -> float:
    """Seconds of `daemon calls --failed`, as a person waits for them: the median of eleven."""
    times = []
    for _ in range(11):
        begun = time.perf_counter()
        command = [sys.executable, "-m", "daemon", "calls", "--failed"]
        done = subprocess.run(command, env=environment(folder), capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - begun)
        assert len(done.stdout.splitlines()) == 31, done.stdout
    return statistics.median(times)


DAEMON = """
import statistics, sys, time
from daemon.journal import Journal
from daemon.cli import main
spent, real = {{}}, Journal.record
def timed(self, event):
    begun = time.perf_counter()
    real(self, event)
    spent[event.call.id] = spent.get(event.call.id, 0.0) + (time.perf_counter() - begun)
Journal.record = {record}
try:
    main(["serve", "--log-level", "warning"])
finally:
    print("spent", statistics.median(spent.values() or [0.0]), flush=True)
"""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("api.openai.com")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def median(connection: http.client.HTTPConnection, calls: int) -> float:
    """Median seconds of one call after the other."""
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]})
    headers = {"Authorization": "Bearer CANARY-benchmark-key", "Content-Type": "application/json"}
    times = []
    for _ in range(calls):
        begun = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", body, headers)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - begun)
        assert answer.status == 200, answer.status
    connection.close()
    return statistics.median(times)


def through(folder: Path, calls: int, record: str) -> tuple[float, float]:
    """Median seconds of a call through a daemon whose `Journal.record` is RECORD, and of those that it takes of it."""
    process, _ = started([sys.executable, "-c", DAEMON.format(record=record)], folder, "sluice ready")
    median(UnixConnection(folder / "s"), 50)
    result = median(UnixConnection(folder / "s"), calls)
    process.terminate()
    assert process.stdout is not None
    spent = float(process.stdout.read().split("spent ")[1])
    process.wait()
    return result, spent


# ---- the rows of the result


def questions(folder: Path, calls: int) -> list[Row]:
    """Size, and the time of a question without and with a daemon."""
    seconds, database, bodies = asyncio.run(record(folder / "state", calls))
    rows = [
        Row(f"{calls:,} calls recorded and on disk, a second", f"{calls / seconds:,.0f}"),
        Row("bytes of the database for a call", f"{database / calls:,.0f}"),
        Row("bytes of kept bodies for a failed call (its request has 2 kB)", f"{bodies / (calls / 20):,.0f}"),
    ]
    (folder / "config.yaml").write_text("journal: {max_bytes: 100GiB}\n")
    rows.append(_bounded("`daemon calls --failed`, no daemon runs", question(folder)))
    process, _ = started([sys.executable, "-m", "daemon", "serve"], folder, "sluice ready")
    rows.append(_bounded("`daemon calls --failed`, answered by the daemon", question(folder)))
    process.terminate()
    process.wait()
    return rows


def _bounded(what: str, seconds: float) -> Row:
    return Row(f"{what}, seconds", f"{seconds:.3f}", f"< {QUESTION_S}", seconds < QUESTION_S)


def latency(folder: Path, calls: int) -> list[Row]:
    """What the journal adds to a call."""
    flags = ["--port", "0", "--requests-per-minute", "none", "--tokens-per-minute", "none"]
    sandbox, found = started([sys.executable, "-m", "daemon.sandbox", *flags], folder, r"(http://(\S+?):(\d+))")
    try:
        (folder / "config.yaml").write_text(
            f"upstreams: [{{host: api.openai.com, url: '{found[1]}', provider: openai}}]\nlog: {{file: none}}\n"
        )
        straight = lambda: median(http.client.HTTPConnection(found[2], int(found[3])), calls)  # noqa: E731
        straight()
        direct = straight()
        on, spent = through(folder, calls, "timed")
        off, _ = through(folder, calls, "lambda self, event: None")
    finally:
        sandbox.terminate()
        sandbox.wait()
    share = spent / (on - direct)
    return [
        Row("a call straight to the sandbox, median, ms", f"{direct * 1000:.2f}"),
        Row("added latency of a call, median, ms", f"{(on - direct) * 1000:.2f}"),
        Row("the same with a journal that records nothing, ms", f"{(off - direct) * 1000:.2f}"),
        Row("time in `Journal.record`, all events of a call, median, ms", f"{spent * 1000:.4f}"),
        Row("its share of the added latency", f"{share:.2%}", f"< {SHARE:.0%}", share < SHARE),
    ]


def table(rows: list[Row]) -> str:
    """As Markdown."""
    lines = [f"| {row.what} | {row.reached} | {row.wanted}{'' if row.ok else ' **missed**'} |" for row in rows]
    return "\n".join(["| | reached | bound |", "|---|---|---|", *lines])


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--sent", type=int, default=1000, help="calls through the daemon for the latency")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    parts: list[tuple[Callable[[Path, int], list[Row]], int]] = [(questions, options.calls), (latency, options.sent)]
    for part, number in parts:
        if not number:
            continue
        with tempfile.TemporaryDirectory(prefix="slu") as folder:
            rows += part(Path(folder), number)
    print(table(rows))
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
