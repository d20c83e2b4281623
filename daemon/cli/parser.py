"""The commands and their options for argparse, which knows every way to write them, and the help."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from daemon import __version__
from daemon.arguments import Parser
from daemon.cli.commands import COMMANDS, EVERYWHERE
from daemon.cli.options import program
from daemon.errors import ConfigError
from daemon.phrases import Phrase, languages, phrase
from daemon.slips import nearest


def parser(spoken: Callable[[], str] = lambda: "en", only: str | None = None) -> Parser:
    """All commands and their options, or the command ONLY, if there is one of that name: the others take as long again.
    SPOKEN is asked for the reader's language when something is to be read."""
    told: dict[str, Any] = {"spoken": spoken, "values": {"program": program(), "known": ", ".join(sorted(languages()))}}
    top = Parser(prog=program(), description="help.top", epilog="help.more", hint=_hint, **told)
    top.add_argument("-V", "--version", action="version", version=f"sluice {__version__}", help="help.version")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS if only not in COMMANDS else [str(only)]:
        added: Parser = commands.add_parser(name, help=f"command.{name}", description=f"command.{name}", **told)
        _add(added, (*EVERYWHERE, *COMMANDS[name]))
    return top


_HINTS: Final[Mapping[str, str]] = {
    "start": "start", "run": "start", "up": "start", "restart": "restart", "log": "log", "logs": "log",
    "config": "config", "configure": "config", "settings": "config", "queue": "status", "limits": "status",
    "ps": "status", "top": "status", "kill": "stop", "quit": "stop", "exit": "stop", "shutdown": "stop", "down": "stop",
    "show": "show", "list": "show", "ls": "show", "uninstall": "uninstall",
}  # fmt: skip
"""Commands that other programs have, and which of our hints tells how that is done here."""


def _hint(word: str) -> Phrase | None:
    """How one does here what WORD does elsewhere."""
    near = nearest(word, [*_HINTS, *COMMANDS], like=0.75)
    name = _HINTS.get(near or "")
    if name is None:
        return None
    from daemon.config.folders import default_folders

    try:
        folders = default_folders(os.environ)
        log, config = str(folders.log_file), str(folders.config_file)
    except ConfigError:  # there is no home to have them in
        log, config = "sluice.log", "config.yaml"
    return phrase(f"hint.{name}", word=word, log=log, config=config)


def _add(to: Parser, options: tuple[Mapping[str, Any], ...]) -> None:
    groups: dict[str, Any] = {}
    for option in options:
        apart = option.get("apart")
        if apart and apart not in groups:
            groups[apart] = to.add_mutually_exclusive_group()
        more = {key: value for key, value in option.items() if key not in ("word", "apart")}
        groups.get(apart or "", to).add_argument(option["word"], **more)
