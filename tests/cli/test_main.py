"""Arguments in, exit code out."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daemon import __version__
from daemon.app import Taken
from daemon.cli import main as face
from daemon.cli import terminal
from daemon.cli.main import COMMANDS, main
from daemon.cli.options import paths
from daemon.cli.parser import parser


def test_help_names_all_commands(run: Any) -> None:
    """`daemon --help` is enough to find everything."""
    done = run("--help")
    assert done.code == 0
    for command in ("serve", "status", "calls", "curl", "replay", "explain", "check", "demo", "stop"):
        assert command in done.out
        assert run(command, "--help").code == 0


@pytest.mark.parametrize(
    ("words", "usage", "said"),
    [
        ("--log-levl debug", "usage: daemon serve", "did you mean --log-level?"),
        ("status --josn", "usage: daemon status", "did you mean --json?"),
        ("calls c1 c2", "usage: daemon calls", "unrecognized arguments: c2\n"),
        ("start", "usage: daemon", "`daemon` alone runs it in this terminal"),
        ("run --json", "usage: daemon", "`daemon` alone runs it in this terminal"),
        ("restart", "usage: daemon", "daemon serve --replace"),
        ("strat", "usage: daemon", "`daemon` alone runs it in this terminal"),
        ("curll", "usage: daemon", "did you mean curl?"),
        ("logs", "usage: daemon", "sluice.log"),
        ("config", "usage: daemon", "config.yaml"),
        ("queue", "usage: daemon", "`daemon status`"),
        ("help statsu", "usage: daemon", "did you mean status?"),
    ],
)
def test_a_mistake_is_met_with_what_is_right(run: Any, words: str, usage: str, said: str) -> None:
    """A slip, a command of other programs, one argument too many: the usage is that of the command which was meant."""
    done = run(*words.split())
    assert done.code == 2
    assert done.err.startswith(usage)
    assert said in done.err


def test_help_and_version_in_other_words(run: Any) -> None:
    """As other programs have them."""
    assert run("help").out == run("--help").out
    assert run("help", "calls").out == run("calls", "--help").out
    assert run("version") == run("-V") == run("--version")


def test_version(run: Any) -> None:
    """The version on one line."""
    assert run("--version") == (0, f"sluice {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("curl",), ("calls", "--limit", "x"), ("serve", "--log-level", "?")]
)
def test_wrong_usage(run: Any, arguments: tuple[str, ...]) -> None:
    """Exit code 2, and what is right."""
    done = run(*arguments)
    assert done.code == 2
    assert "usage" in done.err


@pytest.mark.parametrize("arguments", [(), ("--sandbox",), ("--log-level", "debug"), ("serve",)])
def test_serve_is_the_default(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Without a command it serves; a second daemon is exit code 3."""
    asked: list[Any] = []

    def serve(*given: Any, **more: Any) -> int:
        asked.append((given, more))
        return 0

    monkeypatch.setattr("daemon.app.serve", serve)
    assert main(arguments) == 0
    assert asked[0][1]["sandbox"] is ("--sandbox" in arguments)

    def running(*given: Any, **more: Any) -> int:
        raise Taken("a daemon runs already")

    monkeypatch.setattr("daemon.app.serve", running)
    assert main(arguments) == 3


def test_options_come_before_the_environment(home: Path, tmp_path: Path) -> None:
    """A path on the command line may be relative."""
    told = paths(parser().parse_args(["status", "--socket", "x/s"]))
    assert told.socket == Path.cwd() / "x" / "s"
    assert told.state_dir == home / "state"


def test_an_unwritable_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that knows no Korean gets question marks, not a traceback."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    terminal.set_up()
    terminal.say(["한국어 ok"])
    terminal.flush()
    assert raw.getvalue() == b"??? ok\n"


def test_a_reader_that_left(home: Path) -> None:
    """`| head` is no error to tell of."""
    command = f"{sys.executable} -m daemon explain --list --json | head -c 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, timeout=30, check=False)
    assert done.stderr == b""


def test_control_c(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Interrupting is exit code 130 without a traceback."""

    def interrupted(*given: Any, **more: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("daemon.app.serve", interrupted)
    assert main(["serve"]) == 130


def test_the_face_is_the_same() -> None:
    """`daemon` and `sluice` are one."""
    assert face is main


def test_help_has_words_for_each_command(run: Any) -> None:
    """No name of a phrase is left where its words should be."""
    shown = [run("--help").out, *[run(command, "--help").out for command in COMMANDS]]
    assert not [text for text in shown if re.search(r"(?i)\b(?:command|help)\.[a-z]", text)]
