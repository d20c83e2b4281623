"""F20: random bytes for what is ours to read: frames and messages of JSON-RPC, and the configuration."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.reliability.figure import Figure, count
from daemon.config import load
from daemon.doors.dispatch import CODE_OF, INTERNAL, INVALID_REQUEST, PARSE_ERROR
from daemon.doors.framing import Framer, FramingError
from daemon.doors.rpc import RpcConnection, RpcDoor
from daemon.errors import ConfigError, InvalidCall, UnknownOperation

SHORT = 0.002
CONFIG_PART = 0.05
"""Of the inputs; one costs a hundred times as much as a frame."""
MESSAGES_PART = 0.25
"""Of the inputs, to a whole connection."""
CODES = {PARSE_ERROR, INVALID_REQUEST, *CODE_OF.values()} - {INTERNAL}
"""What an answer may say; not that something of ours broke."""

FRAMES = (
    b'{"jsonrpc":"2.0","id":1,"method":"hello"}\n',
    b"Content-Length: 2\r\n\r\n{}",
    b"[1,2]\n",
    b"Content-Type: x\r\n\r\n",
    b"\r\n",
)
CONFIGS = (
    b"upstreams: [{host: a.example, url: 'https://a.example', provider: openai-compatible}]\n",
    b"queue: {max_waiting: 5}\nlog:\n  level: debug\n",
    b"drain: 3s\nlanguage: ko\nproxy: none\n",
    b"{}",
    b"limits: &a [*a]\n",
)


METHODS = ("echo", "wait", "refuse", "notify", "$/cancelRequest", "nothing")
VALUES: tuple[Any, ...] = (
    None, True, 0, 1, 2, -7, 2.5, 1e308, 2**63, 2**70, "", "x", "two", "y" * 200, "\ud800", "\0\u2028", [], [1, [None]],
    {}, {"id": 1}, {"id": "two"}, {"a": {"b": ["\udfff"]}}, {"language": "ko"}, {"token": 5}, {"language": ["en"]},
)  # fmt: skip


def message(rng: random.Random) -> bytes:
    """Something like a request, an answer or a batch, with odd values in any place of it."""
    found: dict[str, Any] = {"jsonrpc": "2.0", "id": rng.choice(VALUES), "method": rng.choice(METHODS)}
    found["params"] = rng.choice(VALUES)
    for name in rng.sample(sorted(found), rng.randint(0, 2)):
        del found[name]
    if rng.random() < 0.2:
        found[rng.choice(("method", "result", "error"))] = rng.choice(VALUES)
    whole = [found, *rng.choices(VALUES, k=rng.randint(0, 3))] if rng.random() < 0.1 else found
    text = json.dumps(whole)
    return (text.replace("1e+308", "1e999") if rng.random() < 0.1 else text).encode() + b"\n"


def mutated(rng: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """Some seeds put together, with bytes changed, doubled, cut out or put in."""
    data = bytearray(b"".join(rng.choices(seeds, k=rng.randint(1, 4))))
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[at:at] = rng.randbytes(rng.randint(1, 4))
            case 1:
                del data[at : at + rng.randint(1, 8)]
            case 2:
                data[at:at] = data[at : at + rng.randint(1, 30)] * rng.randint(1, 8)
            case 3:
                data[at:at] = rng.choice(
                    (b"9" * 30, b"-1", b"0x10", b"\0", b"\xff\xfe", b": ", b"{{{[[[", b"\r\n\r\n", b"!!python/x ")
                )
    return bytes(data)


def frames(rng: random.Random) -> None:
    """One stream of bytes in random pieces; only FramingError may come out."""
    framer, data = Framer(1 << 16), mutated(rng, FRAMES)
    try:
        while data:
            n = rng.randint(1, 40)
            framer.feed(data[:n])
            data = data[n:]
    except FramingError:
        return


class Wire(asyncio.Transport):
    """The transport of a connection that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is room."""

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def write(self, data: Any) -> None:
        """Keep DATA."""
        self.written += data

    def is_closing(self) -> bool:
        """True after the end."""
        return self.closed

    def close(self) -> None:
        """The end."""
        self.closed = True

    abort = close


async def operate(name: str, params: Mapping[str, Any], session: Any, tag: Any) -> Mapping[str, Any]:
    """Operations that answer with what they got, wait, refuse, or tell something unasked."""
    if name == "wait":
        await asyncio.Event().wait()
    if name == "refuse":
        raise InvalidCall("refused", given=dict(params))
    if name == "notify":
        session.notify("queue", dict(params))
        session.delta(tag, "c1", str(params))
    elif name != "echo":
        raise UnknownOperation(f"there is no {name}")
    return dict(params)


async def messages(rng: random.Random) -> None:
    """One connection that is told something in random pieces, and then left. What it answers are whole JSON-RPC
    messages, none of them of a fault of ours; nothing of it runs afterwards. Raises AssertionError."""
    seeds = tuple(message(rng) for _ in range(rng.randint(1, 6)))
    door, wire, data = RpcDoor(operate, 1 << 16), Wire(), mutated(rng, seeds) if rng.random() < 0.5 else b"".join(seeds)
    connection = door()
    assert isinstance(connection, RpcConnection)
    connection.connection_made(wire)
    while data and not wire.closed:
        n = rng.randint(1, 200)
        connection.data_received(data[:n])
        data = data[n:]
        await asyncio.sleep(0)
    tasks = connection.dispatcher.tasks()
    connection.connection_lost(None)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert door.connections == 0
    assert not connection.dispatcher.tasks()
    for answered in Framer(1 << 20).feed(wire.written):
        answer = json.loads(answered)
        assert answer["jsonrpc"] == "2.0"
        assert "error" not in answer or answer["error"]["code"] in CODES, answer


def configuration(rng: random.Random, file: Path) -> None:
    """One file; only ConfigError may come out."""
    file.write_bytes(mutated(rng, CONFIGS))
    try:
        load(file, environ={})
    except ConfigError:
        return


def measure(scale: float) -> Figure:
    """1,000,000 inputs; one seed for all, so that a failure can be had again."""
    n, rng = count(1_000_000, scale), random.Random(20)
    runner = asyncio.Runner()
    crashes: list[str] = []
    slowest, before = 0.0, peak_mib()
    with tempfile.TemporaryDirectory(prefix="slu") as folder:
        file = Path(folder) / "config.yaml"
        file.touch(0o600)
        for number in range(n):
            began = time.perf_counter()
            try:
                if number < n * CONFIG_PART:
                    configuration(rng, file)
                elif number < n * (CONFIG_PART + MESSAGES_PART):
                    runner.run(messages(rng))
                else:
                    frames(rng)
            except Exception as error:
                crashes.append(f"input {number}: {type(error).__name__}: {error}"[:150])
            slowest = max(slowest, time.perf_counter() - began)
    runner.close()
    memory = peak_mib() - before
    reached = f"{len(crashes)} crashes, slowest {slowest:.2f} s, {memory} MiB more"
    reached += f"; {crashes[0]}" if crashes else ""
    what = f"{n} mutated inputs, {CONFIG_PART:.0%} of them configurations, {MESSAGES_PART:.0%} messages to a connection"
    target = "0 crashes, none > 1 s, < 256 MiB more"
    return Figure("F20", what, target, reached, ok=not crashes and slowest < 1.0 and memory < 256)


def peak_mib() -> int:
    """The most memory that this process had, in MiB; others may have been at work in it before."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
