"""Calls as an HTTP Archive (HAR 1.2), for the import of Insomnia, Postman, browsers and their like.

http://www.softwareishard.com/blog/har-12-spec/ says what it needs. Names that begin with `_` are free there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from daemon import __version__
from daemon.curl.fields import Field
from daemon.curl.request import ANY_VARIABLE, Plain
from daemon.model import Headers

UNKNOWN_MS = -1
"""What HAR writes for a size or time that nobody measured."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back, as far as the journal knows."""

    status: int = 0
    headers: Headers = ()
    seconds: float | None = None
    size: int = UNKNOWN_MS
    waited_s: float = 0.0
    """Of `seconds`, those before the last sending: in the queue, and with earlier attempts."""
    silent_s: float | None = None
    """Of `seconds`, those from the last sending to its answer; None: all that were not waited."""
    body: bytes | None = None
    """The answer itself, where it is kept."""


def answered(row: Mapping[str, Any], body: bytes | None = None) -> Answered:
    """What the journal's ROW of a call says came back: of its last attempt, the header fields whose values are kept.

    BODY is the answer, where it is kept in a file; what a failure said is in the row.
    """
    last = (row.get("tries") or [{}])[-1]
    start, sent, seconds = row.get("started_at"), last.get("sent_at"), row["duration_s"]
    first = last.get("first_byte_at") or last.get("answered_at")
    timed = None not in (start, sent, seconds)
    return Answered(
        status=int(row["status"] or 0),
        headers=tuple((name, value) for name, value, _ in last.get("headers") or () if value is not None),
        seconds=seconds,
        size=row["answer"]["bytes"] or UNKNOWN_MS,
        waited_s=min(seconds, max(0.0, sent - start)) if timed else 0.0,
        silent_s=max(0.0, first - sent) if timed and first is not None else None,
        body=body if body is not None or last.get("body") is None else last["body"].encode("utf-8", "surrogateescape"),
    )


def har_text(plain: Plain, answered: Answered) -> str:
    """The archive of one call, as JSON in ASCII. The key is left out; a comment names its variable."""
    return "".join(archive([entry(plain, answered)]))


def archive(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """An archive of ENTRIES piece by piece, so that none of them has to stay in memory. They come oldest first."""
    creator = json.dumps({"name": "Sluice", "version": __version__})
    yield f'{{"log": {{"version": "1.2", "creator": {creator}, "entries": ['
    comma = "\n"
    for one in entries:
        yield comma + json.dumps(one, indent=2)
        comma = ",\n"
    yield "\n]}}"


def entry(plain: Plain, answered: Answered) -> dict[str, Any]:
    """One call of an archive. Its times add up to its `time`, as the specification wants."""
    timings = _timings(answered)
    return {
        "startedDateTime": datetime.fromtimestamp(plain.call.arrived_at, UTC).isoformat(timespec="milliseconds"),
        "time": sum(timings.values()),
        "request": _request(plain),
        "response": _response(answered, plain.tell("script.no_answer")),
        "cache": {},
        "timings": timings,
        "comment": "\n".join([plain.remark(note) for note in plain.notes]),
    }


def _timings(answered: Answered) -> dict[str, float]:
    """Milliseconds: blocked in our queue, waiting for the answer, receiving it."""
    rest = max(0.0, (answered.seconds or 0.0) - answered.waited_s)
    silent = rest if answered.silent_s is None else min(rest, answered.silent_s)
    seconds = {"blocked": answered.waited_s, "send": 0.0, "wait": silent, "receive": rest - silent}
    return {name: value * 1000.0 for name, value in seconds.items()}


def _request(plain: Plain) -> dict[str, Any]:
    query = plain.target.partition("?")[2]
    request: dict[str, Any] = {
        "method": plain.method,
        "url": _legible(plain.url),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "Host", "value": plain.host}, *[_header(one, plain) for one in plain.fields]],
        "queryString": [_pair(pair) for pair in query.split("&") if pair],
        "headersSize": UNKNOWN_MS,
        "bodySize": UNKNOWN_MS if plain.lost else len(plain.body),
    }
    if plain.has_body and not plain.lost:
        request["headers"].append({"name": "Content-Length", "value": str(len(plain.body))})
    return request | ({"postData": _posted(plain)} if plain.body or plain.lost else {})


def _response(answered: Answered, note: str) -> dict[str, Any]:
    kind = next((value for name, value in answered.headers if name.lower() == "content-type"), "")
    return {
        "status": answered.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": _legible(value)} for name, value in answered.headers],
        "content": {"size": max(0, answered.size), "mimeType": _legible(kind), **_content(answered.body, note)},
        "redirectURL": "",
        "headersSize": UNKNOWN_MS,
        "bodySize": answered.size,
    }


def _content(body: bytes | None, note: str) -> dict[str, str]:
    """The answer, as text or as base64."""
    if body is None:
        return {"comment": note}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def _header(one: Field, plain: Plain) -> dict[str, str]:
    if one.own is not None:
        return {"name": one.name, "value": "", "comment": plain.put_value(one)}
    if one.keyed:
        note = plain.tell("script.no_key_here", variable=plain.variable or ANY_VARIABLE)
        return {"name": one.name, "value": _legible(one.before + one.after), "comment": note}
    return {"name": one.name, "value": _legible(one.before)}


def _pair(text: str) -> dict[str, str]:
    name, _, value = text.partition("=")
    return {"name": _legible(name), "value": _legible(value)}


def _posted(plain: Plain) -> dict[str, Any]:
    """The body as text; as base64, and marked so, when it is none."""
    kind = next((one.before for one in plain.fields if one.name.lower() == "content-type"), "")
    if plain.lost:
        return {"mimeType": _legible(kind), "params": [], "text": "", "comment": plain.tell("script.no_body")}
    try:
        return {"mimeType": _legible(kind), "params": [], "text": plain.body.decode()}
    except UnicodeDecodeError:
        text = base64.b64encode(plain.body).decode()
        return {"mimeType": _legible(kind), "params": [], "text": text, "_encoding": "base64"}


def _legible(text: str) -> str:
    """TEXT, as Latin-1 when it holds bytes that are not UTF-8: JSON has no bytes."""
    raw = text.encode("utf-8", "surrogateescape")
    return text if raw.decode("utf-8", "replace") == text else raw.decode("latin-1")
