"""Undo what terminals, clients and copying do to an error text.

Whatever the damage, the rules want one thing: the provider's own words, on one line, with plain quotes. Which
damage exists was collected from public threads: borders, mail quotes, log prefixes, line numbers, hard wraps
(inside words too), JSON escaped once or twice, typographic quotes, backslashes lost by a web page, and the client's
own additions (its own waits above all, which are not the server's).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Final

from daemon.explain.durations import duration_s
from daemon.explain.patterns import holds_one

MAX_CHARS: Final = 24_000
"""Longer texts keep their beginning and end: errors stand at either."""

_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_QUOTES: Final = str.maketrans("“”„«»‘’‚′", '"""""\'\'\'\'')
_BORDER: Final = re.compile(r"(?m)^[ \t]*[│┃║▌⎿╭╰├›][│┃║▌⎿╭╰├› \t─]*|(?<![ \t─│┃║╮╯┤])[ \t─│┃║╮╯┤]*[│┃║╮╯┤][ \t]*$")
_MAIL: Final = re.compile(r"(?m)^[ \t]*(?:>[ \t]?)+")
_COMPOSE: Final = re.compile(r"(?m)^[A-Za-z][\w.-]{1,30}\s+\|\s{1,2}")
_NUMBERED: Final = re.compile(r"^\s*(\d{1,5})\s*[|:→]?\s")
_CONCATENATED: Final = re.compile(r"(['\"])\s*\+\s*\1")
_UNICODE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_LOST_UNICODE: Final = re.compile(r"(?<![0-9A-Za-z])(?:u[0-9a-f]{4}){3,}")
"""What a page makes of `\\u5f53\\u524d\\u5206` when it eats backslashes."""
_OCTETS: Final = re.compile(r"(?:\\+x[0-9a-fA-F]{2}){2,}|(?:\\[0-3][0-7]{2}){2,}")
"""Bytes as Python shows them (`\\xe5\\xbd`) and as Emacs does (`\\345\\275`)."""
_OCTET: Final = re.compile(r"x([0-9a-fA-F]{2})|([0-3][0-7]{2})")
_ESCAPED_SPACE: Final = re.compile(r"\\+[nrt]")
_ESCAPED: Final = re.compile(r"\\+([\"'/\\])")
_LOST_NEWLINE: Final = re.compile(r"n(?=\* Quota exceeded|Please retry in)")
_WRAP: Final = re.compile(r"(?<=[\w-])[ \t]*\n[ \t]*(?=-?\w)")
_SPACES: Final = re.compile(r"\s+")

_CLIENT: Final = re.compile(
    r"""(?ix)
      (?:quick[ ])? retrying (?:[ ]again)? [ ](?:in|after)[ ] [\d.]+ [ ]? [a-z]+ (?:[ ]?\d+[ ]?[dhms]\b)* [.…]*
    | \b(?:will|to) [ ] retry (?:[ ]again)? [ ](?:in|after)[ ] [\d.]+ [ ]? [a-z]+
    | \b(?:quick[ ]|auto[- ]?) retry [ ]in[ ] [\d.]+ [ ]? [a-z]+
    | (?<!please[ ]) \bretry [ ]in[ ] [\d.]+ [ ] seconds? (?=[.…]{3}|…)
    | \bin[ ] [\d.]+ [ ] seconds[ ]as[ ]it[ ]raised
    | \b(?:backing[ ]off|sleeping|waiting) (?:[ ]for)? [ ] [\d.]+ [ ]? (?:ms|s|sec|seconds?|minutes?)\b
    | [(\[]? \battempt [ ] \#? \d+ (?: [ ]? (?:/|of) [ ]? \d+)? [)\]]?
    | \bretrying [ ] \d+/\d+
    | \bfailed[ ]after[ ] \d+ [ ]attempts?
    | [(] reached[ ]max[ ]retries: [ ] \d+ [)]
    """
)
"""What clients add of their own: LangChain, aider, LiteLLM, opencode, Semantic Kernel, Claude Code, botocore."""


LONGEST_BACKOFF_S: Final = 300.0
"""No client waits for longer of its own accord: they back off for a minute or two at most."""

_CLIENT_WORDS: Final = (
    "retrying", "retry in", "to retry", "will retry", "attempt", "backing off", "sleeping", "waiting", "as it raised",
    "max retries",
)  # fmt: skip
"""One of them stands in whatever the pattern above matches; looking for them first is ten times cheaper."""


def restored(raw: str) -> str:
    """Return RAW with borders, prefixes, escapes and typographic quotes undone; line breaks stay."""
    text = _cut(raw)
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _BORDER.sub("", _panes(text.translate(_QUOTES))))
    text = _without_prefixes(text.replace("\r", ""))
    if "\\" in text:
        text = unescaped(text)
    elif "u" in text:
        text = _LOST_UNICODE.sub(lambda run: re.sub("u(....)", _character, run[0]), text)
    return _LOST_NEWLINE.sub("\n", _CONCATENATED.sub("", text))


def unescaped(text: str) -> str:
    """Undo JSON and Python escapes, however deep: a body quoted twice has three backslashes before each quote."""
    if "\\x" in text or "\\3" in text or "\\2" in text:
        text = _OCTETS.sub(_decoded, text)
    text = _UNICODE.sub(_character, text)
    text = _ESCAPED_SPACE.sub("\n", text)
    return _ESCAPED.sub(r"\1", text)


def one_line(text: str) -> str:
    """Return TEXT with every run of white space as one blank."""
    return _SPACES.sub(" ", text).strip()


def glued(text: str) -> str:
    """Return TEXT on one line with broken words joined: the other reading of a hard wrap (`request reach\\ned`)."""
    return one_line(_WRAP.sub("", text))


def without_client(line: str) -> str:
    """Take the client's own waits and counts out of a one-line text: they are not the server's."""
    low = line.lower()
    return _CLIENT.sub(_unless_long, line) if holds_one(_CLIENT_WORDS, low) else line


def _unless_long(match: re.Match[str]) -> str:
    """Nothing in the place of a client's own wait; one that is longer than any client's is the server's."""
    return match[0] if (duration_s(match[0]) or 0.0) > LONGEST_BACKOFF_S else " "


def lowered(text: str) -> str:
    """Lower-case TEXT and keep every position, so that a match can be read in the original case."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join([low_c if len(low_c := c.lower()) == 1 else c for c in text])


def _cut(raw: str) -> str:
    if len(raw) <= MAX_CHARS:
        return raw
    return raw[: MAX_CHARS // 2] + "\n" + raw[-MAX_CHARS // 2 :]


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return "" if 0xD800 <= code < 0xE000 else chr(code)


def _decoded(match: re.Match[str]) -> str:
    """Return the characters that a run of escaped bytes stands for, or the run itself when it is not UTF-8."""
    octets = [int(h, 16) if h else int(o, 8) for h, o in _OCTET.findall(match[0])]
    try:
        return bytes(octets).decode()
    except (UnicodeDecodeError, ValueError):
        return match[0]


def _panes(text: str) -> str:
    """Undo two panes side by side (tmux, a split terminal): the left one whole, then the right one."""
    if "│" not in text:
        return text
    lines = text.split("\n")
    inner = [at for line in lines for at, char in enumerate(line[1:-1], 1) if char == "│" and line[:at].strip(" │")]
    edges = Counter(inner)
    edge, count = max(edges.items(), key=lambda item: item[1], default=(0, 0))
    if count < 3 or count < 0.8 * len(lines):
        return text
    return "\n".join([line[:edge] for line in lines] + [line[edge + 1 :] for line in lines])


def _without_prefixes(text: str) -> str:
    """Drop mail quotes, log prefixes of containers, and line numbers that count up."""
    if "\n" not in text and not text.startswith(">"):
        return text
    if ">" in text:
        text = _MAIL.sub("", text)
    if "|" in text:
        text = _COMPOSE.sub("", text)
    lines = text.split("\n")
    numbers = [int(m[1]) for line in lines if (m := _NUMBERED.match(line))]
    if (
        len(numbers) >= 3
        and len(numbers) >= 0.7 * len(lines)
        and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    ):
        text = "\n".join([_NUMBERED.sub("", line) for line in lines])
    return text
