"""The script for fish: a line for each word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from daemon.cli.tab.words import PROGRAMS, Command, Kind, Word

FIRST, *OTHERS = PROGRAMS
_CALLS = f"-k -a '({FIRST} completion calls 2>/dev/null)'"
_OFFERS: Final[dict[Kind, str]] = {
    "file": "-F", "folder": "-a '(__fish_complete_directories)'", "calls": _CALLS,
    "open": f"-k -a '({FIRST} completion open 2>/dev/null)'", "file or call": f"-F {_CALLS}",
}  # fmt: skip


def fish(commands: list[Command]) -> Iterator[str]:
    """Lines of `complete`. Nothing is a file where none is expected."""
    yield f"# Completion of {FIRST} for fish. Made by: {FIRST} completion fish"
    yield f"complete -c {FIRST} -f"
    for command in commands[1:]:
        yield f"complete -c {FIRST} -n __fish_use_subcommand -a {command.name} -d {_quoted(command.about)}"
    for command in commands:
        where = f"'__fish_seen_subcommand_from {command.name}'" if command.name else "__fish_use_subcommand"
        for word in (*command.options, *command.places):
            if line := _line(word):
                yield f"complete -c {FIRST} -n {where} {line}"
    yield from [f"complete -c {other} -w {FIRST}" for other in OTHERS]


def _line(word: Word) -> str:
    """The rest of the line; nothing for what stands without a name and nobody can know."""
    offer = f"-a '{' '.join(word.values)}'" if word.kind == "words" else _OFFERS.get(word.kind, "")
    if not word.text:
        return offer
    name = f"-l {word.text[2:]}" if word.text.startswith("--") else f"-s {word.text[1:]}"
    takes = "" if word.kind == "flag" else "-r" if offer.startswith("-F") else "-x"
    return " ".join(filter(None, (name, takes, offer, "-d", _quoted(word.about))))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
