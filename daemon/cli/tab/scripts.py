"""The scripts of all shells."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from daemon.cli.language import chosen
from daemon.cli.options import paths
from daemon.cli.tab.bash import bash
from daemon.cli.tab.fish import fish
from daemon.cli.tab.words import Command, commands
from daemon.cli.tab.zsh import zsh
from daemon.cli.terminal import say, speak_utf8
from daemon.explain import Catalogue

SCRIPTS: Final[Mapping[str, Callable[[list[Command]], Iterator[str]]]] = {"bash": bash, "zsh": zsh, "fish": fish}


def run(options: argparse.Namespace) -> None:
    """Print the script for the shell that OPTIONS name, in their language."""
    speak_utf8()
    kinds = [str(row["subtype"]) for row in Catalogue.load(paths(options).rules_dir).subtypes()]
    say(list(SCRIPTS[options.what](commands(chosen(options), kinds))))
