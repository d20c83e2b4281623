"""The table of commands: it fits the commands that there are, and argparse."""

from __future__ import annotations

from cli.least import least
from daemon.cli import main
from daemon.cli.commands import COMMANDS, EVERYWHERE, PRIORITIES, VALUED, default_of, name_of
from daemon.cli.parser import parser
from daemon.model import Priority


def test_every_command_has_its_options() -> None:
    """No command without a row, no row without a command."""
    from daemon.cli.main import COMMANDS as RUN

    assert main
    assert set(COMMANDS) == set(RUN)


def test_what_stands_before_the_command_takes_a_value() -> None:
    """`daemon --socket S status` needs to know that S is no command."""
    serve = (*EVERYWHERE, *COMMANDS["serve"])
    assert set(VALUED) == {option["word"] for option in serve if "action" not in option}


def test_names_and_defaults_are_those_of_argparse() -> None:
    """Whoever reads the table without argparse finds the same."""
    for command, options in COMMANDS.items():
        read = vars(parser(only=command).parse_args(least(command)))
        for option in (*EVERYWHERE, *options):
            if "nargs" in option or option["word"].startswith("-"):
                assert read[name_of(option)] == default_of(option)


def test_priorities_are_those_that_there_are() -> None:
    """The table names them itself, since to import them would cost each command time."""
    assert [one.name.lower() for one in Priority] == list(PRIORITIES)
