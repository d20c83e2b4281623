"""The script for zsh: words with what they mean, and no option beside one that it excludes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote
from typing import Final

from daemon.cli.tab.words import PROGRAMS, Command, Kind, Word

_ACTIONS: Final[dict[Kind, str]] = {
    "file": "_files", "folder": "_files -/", "calls": "_sluice_calls", "open": "_sluice_open",
    "file or call": "_sluice_calls_or_files", "text": " ",
}  # fmt: skip

_BEGIN = """\
#compdef {programs}
# Completion of {first} for zsh. Made by: {first} completion zsh

_sluice_names() {{
  local -a calls
  calls=(${{(f)"$($service completion $1 2>/dev/null)"}})
  calls=("${{(@)calls//:/\\\\:}}")
  calls=("${{(@)calls/$'\\t'/:}}")
  _describe -V call calls
}}

_sluice_calls() {{ _sluice_names calls }}
_sluice_open() {{ _sluice_names open }}
_sluice_calls_or_files() {{ _sluice_calls; _files }}

_sluice() {{
  local curcontext=$curcontext state line
  local -a commands
  commands=("""

_BETWEEN = """\
    '(-)'{{-V,--version}} '1: :->command' '*:: :->rest'
  case $state in
    command)
      _describe command commands
      return ;;
    rest) ;;
    *) return ;;
  esac
  curcontext=${{curcontext%:*:*}}:{first}-$words[1]:
  case $words[1] in"""

_END = """\
  esac
}}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _sluice "$@"
else
  compdef _sluice {programs}
fi"""


def zsh(commands: list[Command]) -> Iterator[str]:
    """A file `_daemon` of `fpath`, or what `eval` takes."""
    names = {"first": PROGRAMS[0], "programs": " ".join(PROGRAMS)}
    beginning, *others = commands
    yield from _BEGIN.format(**names).split("\n")
    yield from [f"    {quote(f'{_escaped(one.name)}:{one.about}')}" for one in others]
    yield from ("  )", "  _arguments -C '(-)'{-h,--help} \\")
    yield from [f"    {_spec(option)} \\" for option in beginning.options]
    yield from _BETWEEN.format(**names).split("\n")
    for command in others:
        specs = [_spec(word) for word in (*command.options, *command.places)]
        yield f"    {command.name})"
        yield "      " + " \\\n        ".join(["_arguments '(-)'{-h,--help}", *specs]) + " ;;"
    yield from _END.format(**names).split("\n")


def _spec(word: Word) -> str:
    """What `_arguments` takes."""
    action = f"({' '.join(word.values)})" if word.kind == "words" else _ACTIONS.get(word.kind, "")
    value, apart = f"{_escaped(word.name)}:{action}", f"({' '.join(word.apart)})" if word.apart else ""
    if not word.text:
        return quote(apart + {"once": ":", "perhaps": "::", "often": "*:"}[word.times] + value)
    return quote(f"{apart}{word.text}[{_escaped(word.about)}]{'' if word.kind == 'flag' else ':' + value}")


def _escaped(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)
