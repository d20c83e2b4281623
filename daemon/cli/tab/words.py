"""What may be typed, as the scripts of all shells need it: made from the table of commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from daemon.cli.commands import COMMANDS, EVERYWHERE
from daemon.phrases import languages, phrase

PROGRAMS: Final = ("daemon", "sluice")
"""Both are this program."""

Kind = Literal["flag", "words", "file", "folder", "calls", "open", "file or call", "text"]
"""Of what is typed for an option: nothing, one of a few words, a path, the name of a call or of one that waits or runs,
or what nobody can know."""

_KINDS: Final[Mapping[str, Kind]] = {
    "PATH": "file", "FILE": "file", "FILE|-": "file", "DIR": "folder", "ID": "calls", "FILE|-|ID": "file or call",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """An option, or what stands without an option's name."""

    text: str
    """`--failed`; empty where there is no name."""
    name: str
    """Of its value."""
    about: str
    kind: Kind
    values: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    """Options beside which it may not stand, and itself."""
    times: Literal["once", "perhaps", "often"] = "perhaps"


@dataclass(frozen=True, slots=True)
class Command:
    """A command; the one without a name is the beginning, where the options of `serve` may stand, too."""

    name: str
    about: str
    options: tuple[Word, ...]
    places: tuple[Word, ...]


def commands(language: str, kinds: list[str]) -> list[Command]:
    """All commands with their options, in the reader's LANGUAGE, the beginning first. KINDS: of failure."""
    listed = {"--language": sorted(languages()), "--subtype": kinds}
    values = {"known": ", ".join(listed["--language"]), "program": PROGRAMS[0]}

    def word(option: Mapping[str, Any], beside: tuple[Mapping[str, Any], ...]) -> Word:
        typed = str(option["word"])
        known = tuple(option.get("choices", ())) or tuple(listed.get(typed, ()))
        kind: Kind = "text"
        if "action" in option:
            kind = "flag"
        elif known:
            kind = "words"
        elif option["help"] == "help.open_call":
            kind = "open"
        else:
            kind = _KINDS.get(str(option.get("metavar")), "text")
        others = [str(one["word"]) for one in beside if "apart" in option and one.get("apart") == option["apart"]]
        return Word(
            typed if typed.startswith("-") else "",
            str(option.get("metavar") or typed.lstrip("-")),
            phrase(str(option["help"]), **values).told(language),
            kind,
            known,
            tuple(one for one in others if one.startswith("-")),
            {"*": "often", "?": "perhaps"}.get(str(option.get("nargs")), "once"),  # type: ignore[arg-type]
        )

    def command(name: str) -> Command:
        own = COMMANDS[name or "serve"]
        words = [word(option, own) for option in (*own, *EVERYWHERE)]
        about = phrase(f"command.{name}").told(language) if name else ""
        options, places = [one for one in words if one.text], [one for one in words if not one.text]
        return Command(name, about, tuple(options), tuple(places))

    return [command(name) for name in ("", *COMMANDS)]
