"""Named values out of an error body, whole or damaged.

A rule asks for `code` or `quotaId`, not for a place in a tree: the same provider nests the same names differently
in an answer, in a stream, in a relay's wrapper and in an exception's text. So the fields are flat: a normalised name
and every value seen under it, in order. Whole JSON is walked (JSON inside strings too); of anything else `name: value`
pairs are picked, which works without braces, with Python's quotes, gRPC's text format and `key=value` logs alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Fields = Mapping[str, tuple[str, ...]]

_DECODER: Final = json.JSONDecoder()

MAX_PAIRS: Final = 400
MAX_VALUE: Final = 6_000

_ALIASES: Final = {
    "errorcode": "code", "errortype": "type", "errormessage": "message", "errormsg": "message", "msg": "message",
    "errcode": "code", "errmsg": "message",
    "statuscode": "status", "httpstatuscode": "status", "rawstatuscode": "status",
    "modelid": "model", "modelname": "model",
    "retryafter": "retry-after", "retryafterseconds": "retry-after", "retryaftersec": "retry-after",
    "retryafterms": "retry-after-ms", "retryaftermsec": "retry-after-ms",
}  # fmt: skip

PROSE: Final = frozenset(
    ("message", "error", "detail", "text", "title", "raw", "description", "warning", "info", "caused")
)
"""After these names a bare word is the beginning of a sentence."""

_SHOWN_NAME: Final = re.compile(r"[A-Za-z]\w* ?(?::|(?: [A-Z(]| \d))")
"""What follows `Model:` where a client shows the model's name for people: `Claude Sonnet 4.5`, `AI21: Jamba`."""

_GOES_ON: Final = re.compile(r" [a-z]+ [a-z]")
"""What follows `reason: remote` where a sentence begins: ` connection failure`."""

HEADER_NAME: Final = re.compile(
    r"^(?:(?:x-|anthropic-)?(?:ratelimit|tokenlimit)[\w-]*|x-ratelimit[\w-]*|anthropic-[\w-]+|retry-after(?:-ms)?|x-codex-[\w-]+"
    r"|cf-[\w-]+|server|via|date|content-type|content-length|x-[\w-]+|apim-[\w-]+|request-id|openai-[\w-]+|age)$"
)
"""Names that are headers when they stand in a pasted text."""

_PAIR: Final = re.compile(
    r"""["'`]? (?<![\w.@$-]) (?P<name>[A-Za-z@$_][\w.@$-]{1,60}) ["'`]? [ \t]* \n? [ \t]* [:=] [ \t]* \n? [ \t]*
        (?: "(?P<double>[^"]{0,3000})" | '(?P<single>(?:[^'] | (?<=\w)'(?=\w)){0,3000})' | `(?P<tick>[^`]{0,300})`
          | (?P<number>-?\d(?:[\d,]*\d)?(?:\.\d+)?[a-z]{0,2})(?![\w:]) | (?P<word>[A-Za-z_][\w.-]{2,80}) )""",
    re.VERBOSE,
)


def name_of(raw: str) -> str:
    """Return the normal form of a field's name: lower case, no underscores, aliases joined; hyphens stay."""
    name = raw.strip().lower()
    if "-" in name:
        return name
    name = name.replace("_", "").removeprefix("$")
    return _ALIASES.get(name, name)


def document(text: str) -> Any:
    """Return the JSON value that TEXT is, or the error in an event stream; None for anything else."""
    text = text.strip().removeprefix("\ufeff")
    if not text or text[0] not in '{["':
        return _event(text) if "data:" in text[:4000] else None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _event(text: str) -> Any:
    """Return the last `data:` object of an event stream that speaks of an error, or None."""
    found = None
    for line in text.splitlines():
        if line.startswith("data:") and "error" in line.lower():
            try:
                found = json.loads(line[5:])
            except (ValueError, RecursionError):
                continue
    return found


def walk(value: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, value) for each scalar in a JSON value, outer first. Strings that are JSON are opened; one that
    has an object behind some words (`upstream: {"error": ...}`) is seen, and so is what the object holds."""
    stack: list[tuple[str, Any, int]] = [("", value, 0)]
    count = 0
    while stack and count < MAX_PAIRS:
        name, item, depth = stack.pop()
        if isinstance(item, dict) and depth < 24:
            stack.extend([(str(k), v, depth + 1) for k, v in reversed(item.items())])
        elif isinstance(item, list) and depth < 24:
            stack.extend([(name, v, depth + 1) for v in reversed(item[:50])])
        elif isinstance(item, str):
            count += 1
            inner = document(item) if item.lstrip()[:1] in ("{", "[") else None
            if not isinstance(inner, dict | list):
                yield name_of(name), item[:MAX_VALUE]
                inner = _object(item) if '{"' in item else None
            if inner is not None:
                stack.append((name, inner, depth + 1))
        elif item is not None and not isinstance(item, dict | list):
            count += 1
            yield name_of(name), str(item)


def inside(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the first JSON object that stands whole in TEXT; nothing when there is none."""
    yield from walk(_object(text))


def _object(text: str) -> Any:
    """Return the first JSON object that stands whole in TEXT; None when there is none."""
    begun = text.find("{")
    if begun < 0 or '"' not in text[begun : begun + 40]:
        return None
    try:
        return _DECODER.raw_decode(text, begun)[0]
    except (ValueError, RecursionError):
        return None


def pairs(text: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (name, value) for whatever looks like one in TEXT; a quoted value that is JSON is opened."""
    key = ""
    for count, match in enumerate(_PAIR.finditer(text)):
        if count >= MAX_PAIRS:
            return
        name, value = name_of(match["name"]), match[match.lastgroup or 0]
        if name == "value" and key:  # protobuf's text: key: "quota_limit" value: "0"
            name = name_of(key)
        key = value if name == "key" else ""
        if value[:1] in ("{", "[") and depth < 2:  # `responseBody: '{...}'` of an exception
            inner = document(value)
            yield from walk(inner) if inner is not None else pairs(value, depth + 1)
        elif match["word"] is None or not (  # `Error: Request failed` is a sentence, not a field
            name in PROSE
            or (name == "model" and _SHOWN_NAME.match(text, match.start("word")))
            or (name == "reason" and _GOES_ON.match(text, match.end("word")))
        ):
            yield name, value.strip()


def fields(found: Iterator[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Collect pairs under their names."""
    out: dict[str, tuple[str, ...]] = {}
    for name, value in found:
        seen = out.get(name, ())
        if value not in seen:
            out[name] = (*seen, value)
    return out
