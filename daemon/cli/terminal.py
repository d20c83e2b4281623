"""Standard output and standard error: whatever they are, a terminal, a pipe that closes, a full disk, nothing."""

from __future__ import annotations

import io
import json
import os
import sys

from daemon import TYPE_CHECKING
from daemon.cli.safe import as_json, safe
from daemon.errors import Refusal
from daemon.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def set_up() -> None:
    """Make the standard streams usable: what they cannot show is replaced, and one that is closed goes nowhere.

    A closed one is opened first, since the next file that we open would get its number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def say(lines: Iterable[str]) -> None:
    """Print LINES, without what could drive the terminal."""
    for line in lines:
        _write(safe(line))


def say_text(lines: Iterable[str]) -> None:
    """The same for sentences: on a terminal a line breaks between words."""
    most = columns()
    for line in lines:
        for part in _folded(safe(line), most):
            _write(part)


def _folded(text: str, most: int | None) -> Iterable[str]:
    if most is None:
        return (text,)
    from daemon.columns import folded

    return folded(text, most)


def speak_utf8() -> None:
    """Print UTF-8 from now on, whatever the locale says: for what is to be run or read by a program, such as a command
    with a body in it. A `?` in the place of a letter would send another body, and nobody would see why."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")


def shows(text: str) -> bool:
    """True if standard output can show all letters of TEXT."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True


def say_json(values: Iterable[Any]) -> None:
    """Print each value as a line of JSON, and at once: the next one may take its time."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    for value in values:
        _write(as_json(value) if unicode else json.dumps(value))
        flush()


def say_pieces(pieces: Iterable[str]) -> None:
    """Print PIECES as they come, without line ends between them."""
    for piece in pieces:
        _write(piece, end="")


def announce(lines: Iterable[str]) -> None:
    """Print LINES at once. Whether anybody reads them is no business of a daemon."""
    from contextlib import suppress  # where it is needed: a command that has its answer takes none of this

    with suppress(OSError):
        print("\n".join(lines), flush=True)


def complain(text: str) -> None:
    """Print TEXT to standard error, if that takes it."""
    from contextlib import suppress

    from daemon.columns import of_terminal

    most = of_terminal(sys.stderr)
    with suppress(OSError):
        for line in safe(text).split("\n"):
            print("\n".join(_folded(line, most)), file=sys.stderr, flush=True)


def columns() -> int | None:
    """How wide the terminal is to which we print; None for a file or a pipe, in which a line stays a line."""
    from daemon.columns import of_terminal

    return of_terminal(sys.stdout)


def agreed(question: str) -> bool | None:
    """Put QUESTION to the person; None when nobody is there to ask."""
    if not sys.stdin.isatty():
        return None
    complain(question)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def flush() -> None:
    """Write what is still in our buffer. Raises BrokenPipeError, Refusal."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        forget_output()
        raise _unwritable(error) from None


def forget_output() -> None:
    """Send what is left in our buffer nowhere: Python would try once more at the end, and complain."""
    from contextlib import suppress

    with suppress(OSError, ValueError):
        output = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, output)
        os.close(nowhere)


def _write(line: str, end: str = "\n") -> None:
    try:
        print(line, end=end)
    except BrokenPipeError:
        raise
    except OSError as error:
        forget_output()
        raise _unwritable(error) from None


def _unwritable(error: OSError) -> Refusal:
    return Refusal(phrase("client.unwritable", why=str(error.strerror)))
