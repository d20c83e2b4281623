"""The call as an HTTPie command, for sh, bash, dash, zsh and fish.

The rules of its items were read in its source (httpie/cli/argtypes.py and requestitems.py, 3.2): `Name: value` is a
field, `Name;` an empty one, `Name:` takes a default away, `Name:@FILE` reads the value from FILE. A backslash before
one of `:;=@` vanishes and cannot be doubled, whatever its documentation says (measured); any other stays.
"""

from __future__ import annotations

import re
from typing import Final

from daemon.curl.command import needs_file
from daemon.curl.fields import Field
from daemon.curl.request import LOST_BODY, Plain
from daemon.curl.shell import octal, pastes, quote
from daemon.phrases import phrase

_DEFAULTS = ("User-Agent", "Accept", "Accept-Encoding", "Connection")
_VANISHING: Final = re.compile(r"\\[:;=@]")


def httpie_command(plain: Plain) -> str:
    """The command, with comment lines above it. The key goes through standard input, so `ps` does not show it."""
    fields = _writable(plain)
    present = {one.name.lower() for one in plain.fields}
    data = _data(plain)
    absent = [f"{name}:" for name in (*_DEFAULTS, *(["Content-Type"] if data else [])) if name.lower() not in present]
    words = ["http", "--ignore-stdin", "--path-as-is", *(["--stream"] if plain.call.stream else [])]
    proxy = [f"--proxy={scheme}:{plain.bare_proxy}" for scheme in ("http", "https") if plain.bare_proxy]
    words += [*proxy, *([f"--verify={plain.ca_file}"] if plain.ca_file else [])]
    lines = [[*words, plain.method, plain.url], absent, *[[_item(one)] for one in fields], data]
    filled = next((one for one in fields if one.filled), None)
    before = ""
    if filled is not None:
        before = f"printf '{octal(filled.before)}%s{octal(filled.after)}' \"${filled.own or plain.variable}\" | "
    text = " \\\n  ".join([" ".join([quote(word) for word in line]) for line in lines if line])
    return plain.comments("#", phrase("script.httpie")) + before + text


def _writable(plain: Plain) -> list[Field]:
    """The fields that an argument can hold, and one of those that the environment fills, the key before others: there
    is one standard input."""
    first = next((one for one in plain.fields if one.keyed), None) or next(iter(plain.owns), None)
    kept: list[Field] = []
    lost: list[Field] = []
    for one in plain.fields:
        fits = one is first if one.filled else pastes(one.before) and not _VANISHING.search(one.before)
        (kept if fits else lost).append(one)
    if lost:
        plain.notes.append(phrase("left.not_httpie", names=", ".join([one.name for one in lost])))
    return kept


def _item(one: Field) -> str:
    """One field. A blank stands before the value, since `X:=1` would be JSON and `X:@f` a file."""
    if one.filled:
        return f"{one.name}:@/dev/stdin"
    return f"{one.name}: {one.before}" if one.before else f"{one.name};"


def _data(plain: Plain) -> list[str]:
    """The words that send the body; `--raw` takes it as it is, `@FILE` from a file."""
    if not plain.body and not plain.lost:
        return []
    if plain.lost or needs_file(plain.body):
        return ["@" + (plain.body_file or LOST_BODY)]
    return [f"--raw={plain.body.decode()}"]
