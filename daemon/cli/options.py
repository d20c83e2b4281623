"""What the options and the environment say: the command, and where everything is."""

from __future__ import annotations

import os
import sys

from daemon import TYPE_CHECKING
from daemon.cli.commands import VALUED

if TYPE_CHECKING:
    from argparse import Namespace

    from daemon.config import Folders, Paths


def program() -> str:
    """The name under which we were called: some systems own another `daemon`, so we are `sluice` as well."""
    return "sluice" if os.path.basename(sys.argv[0]) == "sluice" else "daemon"


def arranged(arguments: list[str]) -> list[str]:
    """The command first: `--socket S status` is `status --socket S`; without a command it is `serve`."""
    value = False
    for place, word in enumerate(arguments):
        if value:
            value = False
        elif word in ("-h", "--help", "--version"):
            return arguments
        elif not word.startswith("-"):
            return [word, *arguments[:place], *arguments[place + 1 :]]
        value = word in VALUED
    return ["serve", *arguments]


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
