"""What one HTTP request wants: refuses what is ambiguous or not ours to speak, finds the host, reads our own fields."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.doors.messages import is_text, parse
from daemon.doors.parsing import Request
from daemon.errors import InvalidCall, ShuttingDown
from daemon.gateway import NO_WISH, Incoming, Wish, named
from daemon.model import CacheUse, Priority
from daemon.phrases import phrase

SPOKEN = ("1.0", "1.1")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_TO = re.compile(r"^/to/([^/?#]+)(/.*|\?.*|)$")
_PRIORITIES = {"interactive": Priority.INTERACTIVE, "normal": Priority.NORMAL, "batch": Priority.BATCH}
_EXPLAIN = ("inline", "field", "off")
_ID = re.compile(r"^[!-~]{1,128}$")


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What the door itself decides."""

    max_body: int = 64 << 20
    """Bytes."""
    body_idle_s: float = 30.0
    """Seconds without a byte of a promised body."""
    write_idle_s: float = 600.0
    """Seconds in which a client may take nothing of its answer (setting `timeouts.client`)."""
    linger_s: float = 2.0
    """Seconds in which the rest of a refused body is still read, so that its sender comes to read the refusal."""
    keepalive_s: float = 30.0
    max_connections: int = 1024
    language: str = "en"
    """Of our own words to a visitor who names none."""


def check_request(request: Request, *, full: bool) -> None:
    """Refuse what is ambiguous or not ours to speak. Raises Refusal."""
    fields, target = request.fields, request.target
    if request.version not in SPOKEN:
        raise InvalidCall(phrase("http.version"))
    if request.method not in _METHODS:
        raise InvalidCall(phrase("http.method", known=", ".join(sorted(_METHODS))))
    if not target.startswith("/") or target.startswith("//"):
        raise InvalidCall(phrase("http.target"))
    if "host" in request.repeated or (request.version == "1.1" and not fields.get("host")):
        raise InvalidCall(phrase("http.host"))
    if "connection" in fields:
        _check_connection(fields["connection"], fields)
    expect = fields.get("expect", "100-continue")
    if expect.lower() != "100-continue":
        raise InvalidCall(phrase("http.expect"), status=417)
    if full:
        raise ShuttingDown(phrase("http.full"), retry_after_s=1)


def _check_connection(said: str, fields: Mapping[str, str]) -> None:
    """Refuse a field Connection that would take other fields away, and another protocol. Raises InvalidCall."""
    named = {name.strip().lower() for name in said.split(",")}
    if "upgrade" in named and fields.get("upgrade"):
        raise InvalidCall(phrase("http.upgrade"), status=501)
    if named - {"", "close", "keep-alive", "te", "upgrade"}:
        raise InvalidCall(phrase("http.connection"))


def route(request: Request, *, by_host: bool = True) -> tuple[str, str]:
    """(host, target): by `/to/HOST/...` if the path says so, else by the one Host header, unless that names us."""
    target = request.target
    match = _TO.match(target) if target.startswith("/to/") else None
    if match:
        rest = match[2] if match[2].startswith("/") else "/" + match[2]
        return named(match[1]), rest
    if not by_host:
        raise InvalidCall(
            phrase("http.to", ours="http://127.0.0.1:PORT/to/api.openai.com/v1", theirs="https://api.openai.com/v1")
        )
    return named(request.fields.get("host", "")), target


def incoming(request: Request, host: str, target: str, body: bytes) -> Incoming:
    """The request as the gateway takes it, with our own header fields read. Raises InvalidCall."""
    get = request.fields.get
    said = [name for name in request.fields if name.startswith("x-sluice-")]
    if not said:  # as nearly always
        return Incoming(host, request.method, target, request.headers, body)
    return Incoming(
        host=host,
        method=request.method,
        target=target,
        headers=request.headers,
        body=body,
        client=get("x-sluice-client", "")[:40] or None,
        ref=valid_ref(get("x-sluice-request")),
        priority=priority(get("x-sluice-priority")),
        deadline_s=seconds(get("x-sluice-deadline")),
        language=get("x-sluice-language"),
        explain=explain_mode(get("x-sluice-explain")),
        wish=wish(request.fields),
    )


def wish(fields: Mapping[str, str]) -> Wish:
    """What the call says about sharing its answer. Raises InvalidCall."""
    get = fields.get
    coalesce, cache, batch = get("x-sluice-coalesce"), get("x-sluice-cache"), get("x-sluice-batch")
    fallback = get("x-sluice-fallback")
    if coalesce is cache is batch is fallback is None:
        return NO_WISH
    return Wish(
        switch("X-Sluice-Coalesce", coalesce),
        cache_use(cache),
        switch("X-Sluice-Batch", batch),
        switch("X-Sluice-Fallback", fallback),
    )


def switch(name: str, word: str | None) -> bool | None:
    """on or off; None when nothing is said. Raises InvalidCall."""
    if word is None:
        return None
    if word.lower() not in ("on", "off"):
        raise InvalidCall(phrase("http.switch", name=name))
    return word.lower() == "on"


def cache_use(word: str | None) -> CacheUse | None:
    """on, off or refresh. Raises InvalidCall."""
    uses: dict[str, CacheUse] = {"on": "on", "off": "off", "refresh": "refresh"}
    if word is not None and word.lower() not in uses:
        raise InvalidCall(phrase("http.cache"))
    return None if word is None else uses[word.lower()]


def priority(word: str | None) -> Priority:
    """interactive, normal or batch; normal when nothing is said. Raises InvalidCall."""
    if word is None:
        return Priority.NORMAL
    if word.lower() not in _PRIORITIES:
        raise InvalidCall(phrase("http.priority"))
    return _PRIORITIES[word.lower()]


def seconds(word: str | None) -> float | None:
    """A positive number of seconds. Raises InvalidCall."""
    if word is None:
        return None
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e7:
        raise InvalidCall(phrase("http.deadline"))
    return value


def explain_mode(word: str | None) -> Any:
    """inline, field or off. Raises InvalidCall."""
    if word is not None and word not in _EXPLAIN:
        raise InvalidCall(phrase("http.explain"))
    return word


def valid_ref(word: str | None) -> str | None:
    """A client's own id for its call. Raises InvalidCall."""
    if word is not None and not _ID.match(word):
        raise InvalidCall(phrase("http.ref"))
    return word


def json_object(body: bytes) -> dict[str, Any]:
    """BODY as a JSON object, as strict as by JSON-RPC. Raises InvalidCall."""
    try:
        value = parse(body.removeprefix(BOM_UTF8))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidCall(phrase("http.json"))
    if b"\\u" in body and not is_text(value):
        raise InvalidCall(phrase("rpc.surrogate"))
    return value
