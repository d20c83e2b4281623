"""Arguments as most people and all programs write them, read without argparse: that takes longer than the command.

What is not plain is not read here: a mistake, a cry for help, `--option=value`, a value that begins with a dash.
argparse understands or refuses that. Whatever is read here means the same there; a test holds it.
"""

from __future__ import annotations

from types import SimpleNamespace

from daemon import TYPE_CHECKING
from daemon.cli.commands import COMMANDS, EVERYWHERE, default_of, name_of

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
    from typing import Any

    from daemon.cli.commands import Option


def quick(arguments: Sequence[str]) -> Namespace | None:
    """The options in ARGUMENTS, the command first; None when argparse has to look at them."""
    try:
        return SimpleNamespace(**_read(*arguments))  # type: ignore[return-value]  # it has the same attributes
    except Exception:  # whatever is wrong, argparse finds it as well, and has the words for it
        return None


def _read(command: str, *words: str) -> dict[str, Any]:
    """The values by name. Raises for all that is not plain."""
    options = (*EVERYWHERE, *COMMANDS[command])
    named = {option["word"]: option for option in options}
    places = [option for option in options if not option["word"].startswith("-")]
    given: dict[str, Any] = {}
    apart: set[str] = set()
    rest = iter(words)
    for word in rest:
        option = named[word] if word.startswith("-") else places.pop(0)
        if option.get("nargs") == "*" or option.get("apart") in apart:
            raise ValueError
        apart |= {option["apart"]} if "apart" in option else set()
        if "action" in option:
            given[name_of(option)] = option["action"] == "store_true"
        else:
            given[name_of(option)] = _value(option, next(rest) if word.startswith("-") else word)
    if any("nargs" not in option for option in places):
        raise ValueError
    return {"command": command, **{name_of(option): default_of(option) for option in options}, **given}


def _value(option: Option, word: str) -> Any:
    if word.startswith("-") or word not in option.get("choices", (word,)):
        raise ValueError
    return option.get("type", str)(word)
