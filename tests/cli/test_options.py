"""Arguments: where the command may stand, paths, numbers, and what goes before what."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.cli.options import arranged, environment, paths, program
from daemon.cli.parser import parser


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
        ("-V", "-V"),
        ("version", "--version"),
        ("--socket s version --json", "--version"),
        ("help", "--help"),
        ("help calls", "calls --help"),
        ("help --json forget", "forget --help"),
        ("--log-levl debug", "serve --log-levl debug"),
        ("--sokcet /s status --json", "status --sokcet /s --json"),
        ("--sandbox=1", "serve --sandbox=1"),
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


@pytest.mark.parametrize(("called", "name"), [("/usr/bin/sluice", "sluice"), ("/x/__main__.py", "daemon")])
def test_we_are_called_as_we_were(called: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `daemon` is another program, people use `sluice`, and messages begin with that."""
    monkeypatch.setattr("sys.argv", [called])
    assert program() == name
    assert parser().prog == name
