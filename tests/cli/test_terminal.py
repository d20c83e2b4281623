"""Standard streams of every sort: closed, full, broken, not UTF-8. Most of it needs a process of its own."""

from __future__ import annotations

import asyncio
import fcntl
import io
import json
import os
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import terminal
from daemon.errors import Refusal
from gateway.scripted import no_credit
from operations.office import Office

ROOT = Path(__file__).resolve().parents[2]


def shell(line: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which DAEMON is our command line."""
    whole = line.replace("DAEMON", f"'{sys.executable}' -m daemon")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(["bash", "-c", whole], env=environment, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("DAEMON explain --text insufficient_quota | true; exit ${PIPESTATUS[0]}", None, b""),
        ("DAEMON explain --list --why 2>&1 >/dev/full", 1, b"the output cannot be written: No space left on device"),
        ("DAEMON explain --text x >&-", 0, b""),
        ("DAEMON explain --text x 2>&- | head -1", 0, b"It cannot be told what this is"),
        ("DAEMON explain <&- 2>&1", 1, b"there is nothing to explain"),
        ("DAEMON explain </dev/null 2>&1", 1, b"paste the error on standard input"),
        ("yes 'rate limit' | DAEMON explain --json", 0, b'"subtype": "rate_unspecified"'),
    ],
)
def test_odd_streams(home: Path, line: str, code: int | None, words: bytes) -> None:
    """A reader that leaves, a full disk, closed streams, endless input: an exit code and a line, never a traceback."""
    done = shell(line)
    assert b"Traceback" not in done.stderr + done.stdout
    assert b"Exception ignored" not in done.stderr
    assert words in done.stdout
    assert code is None or done.returncode == code


def test_a_terminal_that_is_not_utf8(home: Path) -> None:
    """What it cannot show is a question mark; JSON keeps everything, escaped."""
    plain = shell("DAEMON explain --text '한도 rate limit'", PYTHONIOENCODING="ascii")
    assert plain.returncode == 0
    assert b"?? rate limit" in plain.stdout
    as_json = shell("DAEMON explain --json --text '한도 rate limit'", PYTHONIOENCODING="ascii")
    assert json.loads(as_json.stdout)["original"] == "한도 rate limit"


def test_standard_streams_that_are_closed_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python gives None for a closed stream; afterwards each can be used, and goes nowhere."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    terminal.set_up()
    made: list[Any] = [sys.stdin, sys.stdout, sys.stderr]
    assert made[0].read() == ""
    assert [stream.name for stream in made] == [os.devnull] * 3
    terminal.say(["x"])
    terminal.complain("x")
    for stream in made:
        stream.close()


class Broken(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def test_a_full_disk_is_told_and_a_closed_pipe_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """`main` ends quietly for a reader that left; a disk that is full is a failure with a line."""
    monkeypatch.setattr(sys, "stdout", Broken(OSError(28, "No space left on device")))
    with pytest.raises(Refusal, match="No space left on device; send it elsewhere, or make room"):
        terminal.say(["x"])
    monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError()))
    with pytest.raises(BrokenPipeError):
        terminal.say(["x"])


def test_nobody_has_to_read_what_a_daemon_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ready line and complaints are said once, whoever listens."""
    monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError()))
    monkeypatch.setattr(sys, "stderr", Broken(OSError(28, "full")))
    terminal.announce(["ready"])
    terminal.complain("no")


def test_complaints_do_not_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A file's name may hold anything."""
    terminal.complain("no file \x1b[2J")
    assert capsys.readouterr().err == "no file �[2J\n"


def test_how_wide_the_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a terminal its columns; of a file, a pipe, and a stream that is closed or no file, nothing."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 72, 0, 0))
    with open(theirs, "w") as output:
        monkeypatch.setattr("sys.stdout", output)
        assert terminal.columns() == 72
    assert terminal.columns() is None
    os.close(ours)
    with open(os.devnull, "w") as output:
        monkeypatch.setattr("sys.stdout", output)
        assert terminal.columns() is None
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert terminal.columns() is None


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_sentences_break_between_words(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal of 72 columns, on both streams; in a pipe they stay one line."""
    text = "the daemon serves its own user only and nobody while it stops; " * 3
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 72, 0, 0))
    with open(theirs, "w") as output:
        monkeypatch.setattr(f"sys.{stream}", output)
        terminal.say_text([text]) if stream == "stdout" else terminal.complain(text)
        output.flush()
        shown = os.read(ours, 4096).decode().splitlines()
    os.close(ours)
    assert len(shown) == 3
    assert " ".join(shown).split() == text.split()


BODY = '{"messages":[{"role":"user","content":"한도 é €"}]}'


@pytest.mark.parametrize("locale", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    "command", ["curl last", "curl last --format python", "curl last --via-daemon",
                "explain last", "export"],
)  # fmt: skip
async def test_a_body_in_a_terminal_that_is_not_utf8(home: Path, command: str, locale: str) -> None:
    """What repeats a call holds its body in UTF-8, as it was sent, and not one with question marks."""
    here = Office(home / "state", no_credit())
    here.journal.start()
    await here.world.send(body=BODY.encode())
    await here.world.pacer.close()
    here.hub.close()
    here.journal.close()
    done = await asyncio.to_thread(shell, f"DAEMON {command}", PYTHONIOENCODING=locale)
    assert done.returncode == 0, done.stderr
    assert "한도 é €".encode() in done.stdout
