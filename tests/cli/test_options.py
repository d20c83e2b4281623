"""Arguments: where the command may stand, paths, numbers, and what goes before what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.options import arranged, environment, parser, paths, program


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("", "serve"),
        ("--sandbox", "serve --sandbox"),
        ("--log-level debug", "serve --log-level debug"),
        ("serve --log-level debug", "serve --log-level debug"),
        ("--socket status status --json", "status --socket status --json"),
        ("--socket=s --config c calls", "calls --socket=s --config c"),
        ("explain --text status", "explain --text status"),
        ("-h", "-h"),
        ("--version", "--version"),
        ("--socket s --help", "--socket s --help"),
        ("nonsense --json", "nonsense --json"),
    ],
)
def test_the_command_may_stand_anywhere(given: str, meant: str) -> None:
    """Without a command we serve; options before the command go with it."""
    assert arranged(given.split()) == meant.split()


def test_a_relative_path_is_taken_from_here(home: Path) -> None:
    """`--socket run/s` is below the folder where one stands, `~` is the home: the daemon and its clients may stand
    elsewhere."""
    options = parser().parse_args(["status", "--socket", "run/s", "--config", "~/c.yaml", "--state-dir", "/x/../y"])
    found = paths(options)
    assert found.socket == home / "run" / "s"
    assert found.config_file == home / "c.yaml"
    assert found.state_dir == Path("/x/../y")
    assert found.socket_told
    assert found.config_told


def test_options_come_before_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not told comes from the environment, the rest of which stays."""
    monkeypatch.setenv("SLUICE_LOG_LEVEL", "error")
    said = environment(parser().parse_args(["serve", "--socket", "/a/b", "--log-level", "debug"]))
    assert (said["SLUICE_SOCKET"], said["SLUICE_LOG_LEVEL"]) == ("/a/b", "debug")
    assert said["HOME"] == str(home)
    assert environment(parser().parse_args(["status"]))["SLUICE_SOCKET"] == str(home / "s")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["status", "--socket", ""], "the path is empty"),
        (["calls", "--limit", "0"], "'0' is not a whole number from 1 to 10,000"),
        (["calls", "--limit", "9" * 5000], "from 1 to 10,000"),
        (["calls", "--since", "yesterday"], "'yesterday' is not a duration; write it as 90s, 15m, 1h or 7d"),
        (["curl", "last", "--format", "perl"], "invalid choice: 'perl'"),
        (["replay", "last", "--direct", "--via-daemon"], "not allowed with"),
        (["replay", "last", "-n", "0"], "from 1 to 100"),
        (["explain", "--status", "-1"], "from 100 to 999"),
        (["explain", "--status", "42"], "from 100 to 999"),
        (["explain", "--list", "--text", "x"], "not allowed with"),
        (["serve", "--log-level", "loud"], "invalid choice: 'loud'"),
        (["stauts"], "invalid choice: 'stauts'"),
        (["status", "--js"], "unrecognized arguments"),
        (["curl"], "required: ID"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and the usage with what was wrong. Abbreviations are refused: they break when options are added."""
    with pytest.raises(SystemExit) as end:
        parser().parse_args(arguments)
    assert end.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), ("7d", 604800), ("999999999d", 1e9)]
)
def test_durations(word: str, seconds: float) -> None:
    """`--since` takes a number and one letter; what is longer than anybody's journal is as good as always."""
    assert parser().parse_args(["calls", "--since", word]).since == seconds


def test_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """A relative path needs a place to start from."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit):
        parser().parse_args(["status", "--socket", "s"])
    assert "give the whole path" in capsys.readouterr().err
    os.chdir(tmp_path)


def test_help_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """The commands, the environment, the exit codes and how to begin are on the first page; options on the second."""
    for arguments in (["--help"], ["serve", "--help"]):
        with pytest.raises(SystemExit) as end:
            parser().parse_args(arguments)
        assert end.value.code == 0
    text = capsys.readouterr().out
    for word in (
        "explain",
        "stop",
        "SLUICE_STATE_DIR",
        "exit codes",
        "a daemon runs already",
        "--sandbox",
        "--log-level",
    ):
        assert word in text


@pytest.mark.parametrize(("called", "name"), [("/usr/bin/sluice", "sluice"), ("/x/__main__.py", "daemon")])
def test_we_are_called_as_we_were(called: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `daemon` is another program, people use `sluice`, and messages begin with that."""
    monkeypatch.setattr("sys.argv", [called])
    assert program() == name
    assert parser().prog == name
