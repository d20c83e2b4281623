"""What argparse says, in each language: its headings and complaints, and help texts that are names of phrases.

Nothing is looked up before somebody asks for help or makes a mistake, so a parser costs a command no words. Argparse
puts its complaints together itself; they are known again by their form, and one that is not is shown as it is.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NoReturn

from daemon.columns import folded, of_terminal, width, wrapped
from daemon.phrases import Phrase, Value, phrase
from daemon.slips import nearest

_NAME: Final = re.compile(r"[a-z]+\.[a-z_-]+")
_HEADINGS: Final = {"positional arguments": "arguments.positional", "options": "arguments.options"}

_COMPLAINTS: Final = tuple(
    (re.compile(form, re.DOTALL), name)
    for form, name in (
        (r"the following arguments are required: (?P<names>.+)", "arguments.required"),
        (r"invalid choice: (?P<value>.+) \(choose from (?P<known>.+)\)", "arguments.choice"),
        (r"expected one argument", "arguments.one_value"),
        (r"ignored explicit argument (?P<value>.+)", "arguments.no_value"),
        (r"not allowed with argument (?P<other>.+)", "arguments.not_with"),
        (r"invalid \w+ value: (?P<value>.+)", "arguments.value"),
    )
)
"""How argparse words what can go wrong with our options. The tests hold it for the Python on which they run."""


class WrongValue(argparse.ArgumentTypeError):
    """What an option's reader raises: a phrase, where argparse would keep its English alone."""

    def __init__(self, message: Phrase) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class Parser(argparse.ArgumentParser):
    """Its description, epilog and help texts are names of phrases, or phrases. SPOKEN says in which language, when
    somebody asks; VALUES are for the phrases. HINT may know better words for a choice that there is not."""

    def __init__(
        self,
        *,
        spoken: Callable[[], str],
        values: Mapping[str, Value] | None = None,
        hint: Callable[[str], Phrase | None] = lambda word: None,
        **more: Any,
    ) -> None:
        self._spoken, self._values, self._hint = spoken, values or {}, hint
        super().__init__(
            formatter_class=partial(_Formatter, tell=self.tell),
            add_help=False,
            allow_abbrev=False,
            exit_on_error=False,
            **more,
        )
        self.add_argument("-h", "--help", action="help", default=argparse.SUPPRESS, help="arguments.help")

    def tell(self, text: str, /, **values: Value) -> str:
        """A phrase, or the one with that name, in the reader's language. What is neither stays: the version."""
        if not isinstance(text, Phrase):
            if not _NAME.fullmatch(text):
                return text
            text = phrase(text, **self._values, **values)
        return text.told(self._spoken())

    def parse_args(  # type: ignore[override]  # its overloads say the same
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Read the arguments. Ends the program with 2 when they are wrong."""
        options, left = self.parse_known_args(args, namespace)
        if left:
            self._of(options)._refuse(left)
        return options

    def _of(self, options: Any) -> Parser:
        """The parser of the command in OPTIONS: its usage is the one that helps."""
        for group in self._subparsers._group_actions if self._subparsers else ():
            commands: Any = group.choices
            found = commands.get(getattr(options, group.dest, None))
            if isinstance(found, Parser):
                return found
        return self

    def _refuse(self, left: Sequence[str]) -> NoReturn:
        """End for arguments that nobody knows."""
        words = " ".join(left)
        slip = next((word.partition("=")[0] for word in left if word.startswith("--")), None)
        near = nearest(slip, self._option_string_actions) if slip else None
        if near:
            self.error(phrase("arguments.unknown_near", words=words, near=near))
        self.error(phrase("arguments.unknown", words=words))

    def parse_known_args(  # type: ignore[override]  # its overloads say the same
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """The same, but returns also what is not known."""
        try:
            return super().parse_known_args(args, namespace)
        except argparse.ArgumentError as wrong:
            if hint := self._better(wrong.message):
                self.error(hint)
            why = complaint(wrong.message)
            self.error(phrase("arguments.argument", name=wrong.argument_name, why=why) if wrong.argument_name else why)

    def _better(self, message: str) -> Phrase | None:
        """The hint for a choice that there is not."""
        form = next(form for form, name in _COMPLAINTS if name == "arguments.choice")
        found = None if isinstance(message, Phrase) else form.fullmatch(message)
        return self._hint(found["value"].strip("'\"")) if found else None

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong, and end with 2."""
        self.print_usage(sys.stderr)
        told = self.tell("arguments.error", prog=self.prog, why=complaint(message))
        self.exit(2, "\n".join(folded(told, of_terminal(sys.stderr))) + "\n")


def complaint(message: str) -> str:
    """MESSAGE of argparse as a phrase, where it is known."""
    if not isinstance(message, Phrase):
        for form, name in _COMPLAINTS:
            if found := form.fullmatch(message):
                return _nearly(**found.groupdict()) if name == "arguments.choice" else phrase(name, **found.groupdict())
    return message


def _nearly(value: str, known: str) -> Phrase:
    """VALUE is none of the KNOWN words; which was meant, if one is near."""
    near = nearest(value.strip("'\""), re.findall(r"[\w-]+", known))
    if near:
        return phrase("arguments.choice_near", value=value, near=near)
    return phrase("arguments.choice", value=value, known=known)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Tells what is to be printed at the moment when it is; lines break where the language allows it."""

    def __init__(self, prog: str, tell: Callable[..., str], **more: Any) -> None:
        super().__init__(prog, **more)
        self._tell = tell

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """The line that begins with `usage:`."""
        super().add_usage(usage, actions, groups, self._tell("arguments.usage") if prefix is None else prefix)

    def _format_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable[Any], prefix: str | None
    ) -> str:
        lines = super()._format_usage(usage, actions, groups, prefix)
        wider = width(prefix or "") - len(prefix or "")  # argparse counts letters, a terminal counts columns
        return lines.replace("\n ", "\n " + " " * wider)

    def start_section(self, heading: str | None) -> None:
        """The heading above a group of arguments."""
        super().start_section(self._tell(_HEADINGS[heading]) if heading in _HEADINGS else heading)

    def add_text(self, text: str | None) -> None:
        """A description, which is a sentence, or an epilog."""
        if text and text.startswith("command."):
            told = self._tell(text)
            text = self._tell("arguments.sentence", text=told[:1].upper() + told[1:])
        elif text:
            text = self._tell(text)
        super().add_text(text)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return self._tell(action.help) if action.help else action.help

    def _split_lines(self, text: str, most: int) -> list[str]:
        return wrapped(text, most)

    def _fill_text(self, text: str, most: int, indent: str) -> str:
        return "\n".join(line for part in text.splitlines() for line in _filled(part, most, indent)) + "\n"


def _filled(line: str, most: int, indent: str) -> list[str]:
    """LINE as it is, if it fits or begins with a blank: tables keep their form."""
    return [indent + line] if line.startswith(" ") or not line else wrapped(line, most, indent, indent)
