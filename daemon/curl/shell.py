"""One quoting for sh, bash, dash, zsh and fish, and what of a text may be pasted at all."""

from __future__ import annotations

import re
from typing import Final

MAX_LINE: Final = 3900
"""Bytes of one line: a terminal without a line editor (`dash -i`) loses a pasted line over 4095 bytes."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:,@+-]+")
_QUOTES: Final = re.compile(r"['\\]+")


def quote(text: str) -> str:
    """Quote TEXT so that sh, bash, dash, zsh and fish read it alike.

    `shlex.quote` is wrong in fish, where a backslash escapes inside '…': quotes and backslashes go into "…" here.
    """
    if _PLAIN.fullmatch(text):
        return text
    return "'" + _QUOTES.sub(lambda run: "'\"" + run[0].replace("\\", "\\\\") + "\"'", text) + "'"


def pastes(line: str) -> bool:
    """True if LINE survives a terminal: a TAB starts a completion there, ESC and ^C are commands, and what cannot be
    seen (bidirectional marks, odd spaces, bytes that are no text) is lost or lies."""
    return line.isprintable() and len(quote(line).encode()) <= MAX_LINE  # a lone surrogate is not printable


def octal(text: str) -> str:
    """TEXT as part of a printf format, without quotes and pairs of backslashes, so that '…' holds it in fish too."""
    out = []
    for i, char in enumerate(text):
        if char == "%":
            out.append("%%")
        elif char in "'\\" or not char.isprintable() or (char == "-" and i == 0):
            out += [f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape")]
        else:
            out.append(char)
    return "".join(out)


_SOFTER: Final = str.maketrans({"(": ", ", ")": ",", ";": ",", "[": ", ", "]": ",", "!": ".", "?": "."})
"""What stands in a comment for signs that mean something to a shell."""

_COMMAS: Final = re.compile(r"(?<=[.:]),+|,(?: ?,)*(?P<end>(?= ?[.:]|$))?")


def as_comment(note: str) -> str:
    """NOTE as a comment that harms nowhere: an interactive zsh takes `#` for a command and reads on.

    So no quotes, no `$`, no glob: only letters, digits, a few signs, and what is not ASCII and visible.
    """
    swapped = note.replace("'", "’").replace('"', "”").translate(_SOFTER)
    kept = [c if c.isalnum() or c in " .,:/_@+-%" or (ord(c) > 127 and c.isprintable()) else " " for c in swapped]
    text = " ".join("".join(kept).split()).replace(" ,", ",").lstrip(", ")
    return _COMMAS.sub(lambda run: "" if run["end"] is not None else ",", text)
