"""The targets of fuzzing, on what was found and on random bytes; the long run is `make fuzz`."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from benchmarks.fuzz.__main__ import EVERY, commands
from benchmarks.fuzz.targets import TARGETS
from daemon.doors.framing import Framer, FramingError

ROOT = Path(__file__).resolve().parents[2]

FOUND: dict[str, tuple[bytes, ...]] = {
    "framing": (b"Content-Length: 2\r\n\r\n{}", b"{}\n[1]\r\n", b"Content-Length: -1\r\n\r\n", b"\r\n\r\n", b"C"),
    "matching": (b"", b"\x1d{", b'\x1d{"error":{"message":"\\ud800"}}', b"\x1d" + b"[" * 5000),
    "redaction": (b"", b"\xff\xfe", b"sk-" * 50, b"Bearer " * 50),
    "answers": (
        b"\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\nx",
        b"HTTP/1.1 103 X\n\nHTTP/1.1 200\nContent-Length: 2\n\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab",
        b"HTTP/1.",
    ),
    "requests": (
        b"\r\nPOST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\nGET",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabc",
        b"GET / HTTP/1.1\r\n\r\n",
        b"M" * 33 + b" / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 128 + b"\r\n",
        b"GE",
    ),
}
"""What once broke, or could: atheris writes what it finds to files, and their bytes come here."""


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, all_ in FOUND.items() for data in all_])
def test_what_was_found(name: str, data: bytes) -> None:
    """It does not come back."""
    TARGETS[name](data)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_random_bytes(name: str) -> None:
    """A short run without coverage."""

    @given(st.binary(max_size=400))
    @example(b"Content-Length: 5\r\n\r\n12345Content-Length: 1\r\n\r\n1")
    def run(data: bytes) -> None:
        TARGETS[name](data)

    run()


def test_every_target_has_its_part_of_the_time() -> None:
    """`make fuzz` is ten minutes of framing, matching and redaction; less time is given to each alike."""
    plan = subprocess.run(["make", "-n", "fuzz"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "benchmarks.fuzz every 600" in plan
    assert [line[-2:] for line in commands(600)] == [[name, "-max_total_time=200"] for name in EVERY]
    assert set(EVERY) == {"framing", "matching", "redaction"}
    assert set(EVERY) <= set(TARGETS)
    assert commands(1)[0][-1] == "-max_total_time=1"


STAND_IN = """
import contextlib, random, sys

instrument_imports = lambda include: contextlib.nullcontext()

def Setup(arguments, target):
    global run
    run = target

def Fuzz():
    for size in range(64):
        run(random.Random(size).randbytes(size))
    print("Done 64 runs", file=sys.stderr)
"""


def test_every_target_runs(tmp_path: Path) -> None:
    """For a second each: it starts, and finds nothing. Where atheris is not installed, something stands in for it."""
    path = str(ROOT)
    if find_spec("atheris") is None:
        (tmp_path / "atheris.py").write_text(STAND_IN)
        path = f"{tmp_path}:{path}"
    command = [sys.executable, "-m", "benchmarks.fuzz", "every", "3"]
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr.count("Done ") == 3


class Frames(RuleBasedStateMachine):
    """A visitor who speaks JSON-RPC in pieces of any size, and now and then nonsense."""

    def __init__(self) -> None:
        super().__init__()
        self.framer = Framer(4096)
        self.style: bool | None = None
        self.wire = b""
        self.sent: list[bytes] = []
        self.got: list[bytes] = []
        self.refused = False

    @precondition(lambda self: not self.refused)
    @rule(
        body=st.binary(min_size=2, max_size=200).map(lambda raw: b"{" + raw.hex().encode() + b"}"), framed=st.booleans()
    )
    def say(self, body: bytes, framed: bool) -> None:
        """Put one message on the wire; a visitor keeps to the style that it began with."""
        self.style = framed if self.style is None else self.style
        self.sent.append(body)
        self.wire += b"Content-Length: %d\r\n\r\n%b" % (len(body), body) if self.style else body + b"\n"

    @precondition(lambda self: self.wire and not self.refused)
    @rule(size=st.integers(1, 64))
    def arrive(self, size: int) -> None:
        """Some bytes come in."""
        piece, self.wire = self.wire[:size], self.wire[size:]
        self.got += [bytes(message) for message in self.framer.feed(piece)]

    @precondition(lambda self: self.style and not self.wire and not self.refused)
    @rule(length=st.sampled_from([b"-1", b"0x10", b"99999999999", b"", b"1 1"]))
    def lie(self, length: bytes) -> None:
        """A length that is none is refused, and nothing is kept for it."""
        with pytest.raises(FramingError):
            self.framer.feed(b"Content-Length: " + length + b"\r\n\r\n")
        self.refused = True

    @precondition(lambda self: self.refused)
    @rule()
    def come_again(self) -> None:
        """After a refusal the connection is closed; the next visitor begins anew."""
        self.framer, self.style, self.refused = Framer(4096), None, False

    @invariant()
    def in_order(self) -> None:
        """What has come out is the beginning of what was said; when all has arrived it is all of it."""
        assert self.got == self.sent[: len(self.got)]
        assert self.wire or len(self.got) == len(self.sent)


TestFrames = Frames.TestCase
