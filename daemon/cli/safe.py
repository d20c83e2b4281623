"""Text that cannot drive the terminal which shows it, and JSON that means the same without doing so."""

from __future__ import annotations

import json
import re
from functools import cache

from daemon import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_DRIVING = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""What could drive a terminal or turn a line around, and surrogates, which no terminal can show."""


_INSTEAD = "\ufffd"
"""REPLACEMENT CHARACTER. By number: to compile its name loads the table of all names."""


def safe(text: object) -> str:
    """TEXT without what could drive a terminal: control characters and direction overrides. Line ends stay."""
    text = str(text)
    return text if text.isprintable() else _control().sub(_INSTEAD, text)


def cell(text: object) -> str:
    """The same on one line: a model's name with a line end in it must not look like one more call."""
    return safe(text).replace("\t", _INSTEAD).replace("\n", _INSTEAD)


def as_json(value: Any) -> str:
    """VALUE as one line of JSON. What could drive a terminal is escaped, which means the same to a program."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else _control().sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@cache
def _control() -> re.Pattern[str]:
    """Made when a text has such letters: most have none, and a command that prints little has little time."""
    return re.compile(f"[{_DRIVING}]")
