"""F20: random bytes for the two parsers that are ours: frames of JSON-RPC, and the configuration."""

from __future__ import annotations

import random
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.reliability.figure import Figure, count
from daemon.config import load
from daemon.doors.framing import Framer, FramingError
from daemon.errors import ConfigError

SHORT = 0.002
CONFIG_PART = 0.05
"""Of the inputs; one costs a hundred times as much as a frame."""

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
                else:
                    frames(rng)
            except Exception as error:
                crashes.append(f"input {number}: {type(error).__name__}: {error}"[:150])
            slowest = max(slowest, time.perf_counter() - began)
    memory = peak_mib() - before
    reached = f"{len(crashes)} crashes, slowest {slowest:.2f} s, {memory} MiB more"
    reached += f"; {crashes[0]}" if crashes else ""
    what = f"{n} mutated inputs, {CONFIG_PART:.0%} of them configurations"
    target = "0 crashes, none > 1 s, < 256 MiB more"
    return Figure("F20", what, target, reached, ok=not crashes and slowest < 1.0 and memory < 256)


def peak_mib() -> int:
    """The most memory that this process had, in MiB; others may have been at work in it before."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
