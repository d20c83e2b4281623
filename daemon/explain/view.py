"""One look for the rules, whether the failure is a real answer or something that somebody pasted."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Final

from daemon.explain import salvage, text
from daemon.explain.patterns import holds_one
from daemon.model import Failure

_STATUS: Final = re.compile(
    r"""(?ix) (?: \bhttp (?:/[\d.]+)? (?:[ ]error)? | \berror (?:[ ]code)?
                | \bstatus (?:[ _]?code)? (?:[ ](?:of|was|is))? | \bcode (?:[ ](?:was|error))?
                | \breturned | \bapi[ ]call | \bresponse | \b(?:responded|failed|answered)[ ]with )
        [^\w(\[]{0,5} [(\[]? ["']? (?P<named>(?!443\b)[45]\d\d) (?![\d.,]*\d) (?![ ]?(?:tokens|credits|characters|ms\b))
      | \b(?:an?|with)[ ] (?P<after>[45]\d\d) [ ](?:error|response|status)\b
      | (?:^|[(\["'`]\s?|:\s|(?<!\w):|\]\s|\|\s(?=\d+(?:\s\||:\s))) (?P<bare>(?!443\b)[45]\d\d)
        (?=[\s:)\]]|,[ ]message=|$) (?![ ]?(?:tokens|requests|credits|characters|per|/|ms\b|s\b|seconds))"""
)
_SOURCE_LINE: Final = re.compile(r"\S+\.(?:go|py|[cm]?[jt]sx?|rs|java|kt|cs|rb|php|swift):\d+(?::\d+)?")
"""`router.py:503`: a place in a program, and no status."""
_STATUS_PHRASE: Final = re.compile(
    r"(?i)(?:\bhttp/[\d.]+ )?\b4[0-9]{2} \(?(?:client error: )?"
    r"(?:too many requests|payment required|bad request|unauthorized|forbidden)"
    r"|\(4\d\d\) (?:too many requests|forbidden|unauthorized)"
    r"|\bstatus_?text\b[\"']?\s?[:=]\s?[\"']?(?:too many requests|payment required|bad request|unauthorized|forbidden)"
    r"|\b5[0-9]{2} (?:server error: )?(?:internal server error|bad gateway|service unavailable|gateway time-?out)"
    r"|\bstatus[\"']?\s*[:=]\s*[\"']?(?:too many requests|payment required|bad request|unauthorized|forbidden)"
)
"""Status line and reason phrase say no more than the number; the API's own words must decide."""

_PHRASES: Final = (
    "too many requests", "payment required", "bad request", "unauthorized", "forbidden", "internal server error",
    "bad gateway", "service unavailable", "gateway time",
)  # fmt: skip
"""What each such phrase contains, so that most texts need not be searched."""

_TAG: Final = re.compile(r"(?is)<(?:script|style|svg)\b.*?</(?:script|style|svg)>|<!--.*?-->|</?[a-z!?][^<>]*>")
_HTML: Final = re.compile(r"(?i)<!doctype ?html|<html[\s>]|<head>|<title>|<body[\s>]")
_MESSAGES: Final = (
    "errormessage", "message", "detail", "error", "text", "raw", "title", "reason", "errors", "description",
)  # fmt: skip
_SENTENCES: Final = frozenset(("errormessage", "message", "detail", "error", "text", "raw", "title"))
"""Of these, one word may be all that is said. (What Google calls a description describes a link.)"""
_CODE: Final = re.compile(r"\S*_\S*|[A-Z\d.:-]+|[a-z]+(?:\.[a-z]+)+")


@dataclass(frozen=True)
class View:
    """What the rules see. `line` is for people, `low` for patterns: same length, lower case."""

    status: int | None
    headers: dict[str, str]
    fields: dict[str, tuple[str, ...]]
    line: str
    glued_line: str
    pasted: bool
    html: bool = False
    empty: bool = False
    host: str = ""
    fault: str | None = None
    raw: str = field(default="", repr=False)
    said: str = field(default="", repr=False)
    """A pasted text as it came, on one line; `line` lacks what the client said of itself."""

    @cached_property
    def low(self) -> str:
        return text.lowered(self.line)

    @cached_property
    def glued(self) -> str:
        """The other reading of hard wraps; the same as `low` when nothing was wrapped."""
        return text.lowered(self.glued_line) if self.glued_line else self.low

    @cached_property
    def marks(self) -> str:
        """Where a provider's signs are looked for: names of fields count as well."""
        return self.low if self.pasted or not self.fields else self.raw.lower()

    @cached_property
    def original(self) -> str:
        """The provider's own sentence: the innermost message, else the whole text. A code alone is no sentence."""
        codes = []
        for name in _MESSAGES:
            values = self.fields.get(name, ())
            for value in reversed(values):
                if len(value) > 3 and value.lstrip()[:1] not in ("{", "[", "<") and not value.isdigit():
                    if any(other.startswith(value) and other != value for other in values):
                        continue  # cut at a quotation mark inside
                    if _says(name, value):
                        return text.one_line(value)[:2000]
                    codes.append(value)
        if self.line and (self.pasted or not self.fields):
            return self.said or self.line[:2000]
        return text.one_line(codes[0] if codes else self.raw)[:2000]


def look(failure: Failure) -> View:
    """Read FAILURE the one way or the other."""
    if failure.text is not None:
        return _pasted(failure, failure.text)
    headers = {name.lower(): value for name, value in failure.headers}
    raw = failure.body.decode("utf-8", "replace")
    value = salvage.document(raw)
    if value is None or isinstance(value, str):
        return _plain(failure, headers, raw if value is None else value)
    fields = salvage.fields(salvage.walk(value))
    _headers_inside(fields, headers)
    words = text.restored("\n".join([v for values in fields.values() for v in values]))
    return View(
        failure.status, headers, fields, _line(words), _glued(words), False, host=failure.host or "",
        fault=failure.fault, raw=raw,
    )  # fmt: skip


def _says(name: str, value: str) -> bool:
    """Return whether VALUE, a field called NAME, is a sentence and no code: `Overloaded` is one in a message."""
    if " " in value.strip() or not value.isascii():
        return name != "description"
    return name in _SENTENCES and not _CODE.fullmatch(value)


def _plain(failure: Failure, headers: dict[str, str], raw: str) -> View:
    """A body that is not JSON: a page, a sentence, a damaged object, nothing."""
    seen = _pasted(failure, raw or (failure.detail if failure.fault else ""))
    return View(
        failure.status if failure.status is not None else seen.status, seen.headers | headers, seen.fields, seen.line,
        seen.glued_line, False, html=seen.html, empty=not raw.strip(), host=failure.host or "",
        fault=failure.fault, raw=raw, said=seen.said,
    )  # fmt: skip


def _pasted(failure: Failure, raw: str) -> View:
    words = text.restored(raw)
    page = bool(_HTML.search(words[:3000]))
    if page:
        words = html.unescape(_TAG.sub(" ", words)).strip()
    whole = ((name, text.restored(value)) for name, value in salvage.inside(raw))
    fields = salvage.fields(chain(whole, salvage.pairs(words)))
    line, glued = _line(words), _glued(words)
    if glued:  # a name or a value may be broken in two
        fields = salvage.fields(salvage.pairs(glued)) | fields
    headers: dict[str, str] = {}
    _headers_inside(fields, headers)
    status = failure.status if failure.status is not None else _status(words, fields)
    return View(
        status, headers, fields, line, glued, True, html=page, empty=not line, host=failure.host or "",
        fault=failure.fault, raw=raw, said=text.one_line(words)[:2000],
    )  # fmt: skip


def _headers_inside(fields: dict[str, tuple[str, ...]], headers: dict[str, str]) -> None:
    """Take for headers what has a header's name among the fields: OpenRouter's metadata, dumps, exceptions."""
    for name, values in fields.items():
        if "-" in name and salvage.HEADER_NAME.match(name):
            headers.setdefault(name, values[0])


def _line(words: str) -> str:
    return _without_phrases(text.without_client(text.one_line(words)))


def _glued(words: str) -> str:
    if "\n" not in words:
        return ""
    return _without_phrases(text.without_client(text.glued(words)))


def _without_phrases(line: str) -> str:
    return _STATUS_PHRASE.sub(_number_only, line) if holds_one(_PHRASES, line.lower()) else line


def _number_only(match: re.Match[str]) -> str:
    found = re.search(r"[45]\d\d", match[0])
    return found[0] if found else ""


def _status(words: str, fields: dict[str, tuple[str, ...]]) -> int | None:
    """Return the status that the text speaks of; 429 wins over a wrapper's own."""
    found = [int(m["named"] or m["after"] or m["bare"]) for m in _STATUS.finditer(_SOURCE_LINE.sub(" ", words[:6000]))]
    for name in ("status", "code"):
        found += [int(v) for v in fields.get(name, ()) if len(v) == 3 and v.isdigit() and v[0] in "45"]
    if not found:
        found = [int(m[0]) for p in _STATUS_PHRASE.finditer(words[:6000]) if (m := re.search(r"[45]\d\d", p[0]))]
    if 429 in found:
        return 429
    return found[0] if found else None
