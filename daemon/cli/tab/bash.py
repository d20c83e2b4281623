"""The script for bash, from 3.2 on, which macOS has: words alone, without what they mean."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.cli.commands import VALUED
from daemon.cli.tab.words import PROGRAMS, Command, Word

_BEGIN = """\
# Completion of {first} for bash. Made by: {first} completion bash
_sluice() {{
  local program=$1 at=$2 before=$3 command= offered= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      {leading}) ((i++)) ;;
      -*) ;;
      *) command=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  COMPREPLY=()
  case "$command $before $at" in"""

_END = """\
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$at"))
}}
complete -o default -F _sluice {programs}"""


def bash(commands: list[Command]) -> Iterator[str]:
    """A function that looks for the command, then for the option whose value is missing, then for what may come next.
    Where it offers nothing, bash offers files."""
    yield from _BEGIN.format(first=PROGRAMS[0], leading="|".join(VALUED)).split("\n")
    behind: dict[str, list[str]] = {}
    for command in commands:
        for option in command.options:
            if option.kind != "flag":
                behind.setdefault(_offer(option) or "return", []).append(f"'{command.name} {option.text} '*")
    yield from [f"    {' | '.join(places)}) {offer} ;;" for offer, places in behind.items()]
    for command in commands:
        options = ["--help", *[option.text for option in command.options], *([] if command.name else ["--version"])]
        yield f"    '{command.name} '*' -'*) offered='{' '.join(options)}' ;;"
    yield f"    ' '*) offered='{' '.join([command.name for command in commands if command.name])}' ;;"
    for command in commands:
        yield from [f"    '{command.name} '*) {offer} ;;" for offer in map(_offer, command.places) if offer]
    yield from _END.format(programs=" ".join(PROGRAMS)).split("\n")


def _offer(word: Word) -> str:
    """The command that finds what is offered; nothing where files are."""
    if word.kind == "words":
        return f"offered='{' '.join(word.values)}'"
    if word.kind in ("calls", "open", "file or call"):
        asked = "open" if word.kind == "open" else "calls"
        return f'offered=$("$program" completion {asked} 2>/dev/null | cut -f1)'
    return ""
