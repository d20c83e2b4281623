"""In which language the command line speaks: as told, else as configured, which may be the system's."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.cli.options import environment, folders
from daemon.errors import ConfigError
from daemon.phrases import short

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence


def heard(arguments: Sequence[str]) -> str:
    """The same for ARGUMENTS that were not read yet, or cannot be."""
    import argparse

    reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for option in ("--socket", "--config", "--state-dir", "--language"):
        reader.add_argument(option)
    try:
        return chosen(reader.parse_known_args(list(arguments))[0])
    except (argparse.ArgumentError, SystemExit):  # an option without its value
        return chosen(argparse.Namespace(socket=None, config=None, state_dir=None))


def chosen(options: Namespace) -> str:
    """The language for all that a command prints. A wrong configuration is no reason to fail here: it is told later."""
    told = getattr(options, "language", None)
    if told:
        return short(told)
    from daemon.config.language import language_in

    environ = environment(options)
    try:
        return language_in(folders(options).config_file, environ)
    except ConfigError:  # there is no place for a configuration
        return language_in(None, environ)
