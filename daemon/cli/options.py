"""What the options and the environment say: the command, and where everything is."""

from __future__ import annotations

import os
import sys

from daemon import TYPE_CHECKING
from daemon.cli.commands import COMMANDS, EVERYWHERE, VALUED

if TYPE_CHECKING:
    from argparse import Namespace

    from daemon.config import Folders, Paths


def program() -> str:
    """The name under which we were called: some systems own another `daemon`, so we are `sluice` as well."""
    return "sluice" if os.path.basename(sys.argv[0]) == "sluice" else "daemon"


def arranged(arguments: list[str]) -> list[str]:
    """The command first: `--socket S status` is `status --socket S`; without a command it is `serve`. `help` and
    `version` are the options of these names."""
    value = False
    for place, word in enumerate(arguments):
        if value:
            value = False
        elif word in ("-h", "--help", "--version", "-V"):
            return arguments
        elif not word.startswith("-"):
            return _asked(word, [*arguments[:place], *arguments[place + 1 :]])
        elif not _is_option(word):  # what follows may be its value, and no command
            command = next((later for later in arguments[place:] if later in COMMANDS), "serve")
            return [command, *[later for later in arguments if later != command]]
        value = word in VALUED
    return ["serve", *arguments]


def _asked(command: str, rest: list[str]) -> list[str]:
    """The COMMAND and the REST; the help of the first command in the rest; or the version."""
    if command == "version":
        return ["--version"]
    if command == "help":
        return [*[word for word in rest if not word.startswith("-")][:1], "--help"]
    return [command, *rest]


def _is_option(word: str) -> bool:
    """True if any command has the option WORD."""
    name = word.partition("=")[0]
    return any(option["word"] == name for options in (EVERYWHERE, *COMMANDS.values()) for option in options)


def paths(options: Namespace) -> Paths:
    """Where everything is: options before environment before the platform's defaults."""
    from daemon.config import default_paths

    return default_paths(environment(options))


def folders(options: Namespace) -> Folders:
    """The same as texts, for a command that only asks the daemon."""
    from daemon.config.folders import default_folders

    return default_folders(environment(options))


def environment(options: Namespace) -> dict[str, str]:
    """The environment, with what the options say in the place of its SLUICE_ variables."""
    told = {
        "SLUICE_SOCKET": options.socket,
        "SLUICE_CONFIG": options.config,
        "SLUICE_STATE_DIR": options.state_dir,
        "SLUICE_LOG_LEVEL": getattr(options, "log_level", None),
        "SLUICE_LANGUAGE": getattr(options, "language", None),
    }
    return {**os.environ, **{name: value for name, value in told.items() if value}}
