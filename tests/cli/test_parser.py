"""What argparse makes of our options: mistakes and help."""

from __future__ import annotations

import pytest

from cli.least import least
from daemon.cli.commands import COMMANDS
from daemon.cli.parser import parser
from daemon.columns import width
from daemon.phrases import languages, texts


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
        (["stauts"], "there is no 'stauts'; did you mean status"),
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


@pytest.mark.parametrize("command", COMMANDS)
def test_one_command_alone_is_read_the_same(command: str) -> None:
    """Without the other commands nothing changes: the same values, the same help."""
    words = least(command)
    assert parser(only=command).parse_args(words) == parser().parse_args(words)
    alone, among = ((made._subparsers._group_actions[0].choices[command]) for made in (parser(only=command), parser()))  # type: ignore[union-attr, index]
    assert alone.format_help() == among.format_help()


@pytest.mark.parametrize("language", sorted(languages()))
def test_the_help_fits_80_columns(language: str) -> None:
    """No line of it, in any language, is broken by the terminal."""
    assert max(width(line) for line in texts(language)["help.more"].splitlines()) < 80
