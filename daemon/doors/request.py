"""Reads one HTTP request: refuses what is ambiguous, finds the host, takes the body, reads our own header fields."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError, HttpVersion10, HttpVersion11

from daemon.errors import BodyTooLarge, InvalidCall, ShuttingDown
from daemon.gateway import NO_WISH, Incoming, Wish
from daemon.model import CacheUse, Headers, Priority
from daemon.phrases import phrase

SPOKEN = (HttpVersion10, HttpVersion11)
_HOST = re.compile(r"[a-z0-9._:\[\]-]{1,260}")
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
    """Seconds in which a client may take nothing of its answer."""
    linger_s: float = 2.0
    """Seconds in which the rest of a refused body is still read, so that its sender comes to read the refusal."""
    keepalive_s: float = 30.0
    max_connections: int = 256
    language: str = "en"
    """Of our own words to a visitor who names none."""


def check_request(request: web.BaseRequest, *, full: bool) -> None:
    """Refuse what is ambiguous or not ours to speak. Raises Refusal."""
    if request.version not in SPOKEN:
        raise InvalidCall(phrase("http.version"))
    if request.method not in _METHODS:
        raise InvalidCall(phrase("http.method", known=", ".join(sorted(_METHODS))))
    target = request.raw_path
    if not target.startswith("/") or target.startswith("//"):
        raise InvalidCall(phrase("http.target"))
    hosts = request.headers.getall("Host", [])
    if len(hosts) > 1 or (request.version == HttpVersion11 and not (hosts and hosts[0].strip())):
        raise InvalidCall(phrase("http.host"))
    encodings = request.headers.getall("Transfer-Encoding", [])
    if encodings and [value.strip().lower() for value in encodings] != ["chunked"]:
        raise InvalidCall(phrase("http.encoding"))
    named = {name.strip().lower() for value in request.headers.getall("Connection", []) for name in value.split(",")}
    if request.headers.get("Upgrade") and "upgrade" in named:
        raise InvalidCall(phrase("http.upgrade"), status=501)
    expect = request.headers.get("Expect", "100-continue")
    if expect.lower() != "100-continue":
        raise InvalidCall(phrase("http.expect"), status=417)
    if named - {"", "close", "keep-alive", "te", "upgrade"}:
        raise InvalidCall(phrase("http.connection"))
    if full:
        raise ShuttingDown(phrase("http.full"), retry_after_s=1)


def readable_headers(request: web.BaseRequest) -> Headers:
    """The header fields in order, with case and duplicates. Raises InvalidCall for bytes that are not UTF-8."""
    try:
        return tuple((name.decode("ascii"), value.decode("utf-8")) for name, value in request.raw_headers)
    except UnicodeDecodeError:
        raise InvalidCall(phrase("http.not_utf8")) from None


def route(request: web.BaseRequest, *, by_host: bool = True) -> tuple[str, str]:
    """(host, target): by `/to/HOST/...` if the path says so, else by the one Host header, unless that names us."""
    match = _TO.match(request.raw_path)
    if match:
        rest = match[2] if match[2].startswith("/") else "/" + match[2]
        return named(match[1]), rest
    if not by_host:
        raise InvalidCall(
            phrase("http.to", ours="http://127.0.0.1:PORT/to/api.openai.com/v1", theirs="https://api.openai.com/v1")
        )
    hosts = request.headers.getall("Host", [])
    return named(hosts[0] if len(hosts) == 1 else ""), request.raw_path


def named(host: str) -> str:
    """HOST in lower case. Raises InvalidCall for what is no name or address: the key in `user:key@host` is not told."""
    name = host.strip().lower()
    if not _HOST.fullmatch(name):
        raise InvalidCall(phrase("http.host"))
    return name


async def read_body(request: web.BaseRequest, settings: HttpSettings) -> bytes:
    """The whole body, as it came. Raises BodyTooLarge, InvalidCall."""
    too_large = BodyTooLarge(phrase("http.body_too_large", most=settings.max_body))
    if (request.content_length or 0) > settings.max_body:
        raise too_large
    parts: list[bytes] = []
    size = 0
    while True:
        try:
            async with asyncio.timeout(settings.body_idle_s):
                chunk = await request.content.readany()
        except HttpProcessingError:
            raise InvalidCall(phrase("http.not_http")) from None
        except TimeoutError:
            raise InvalidCall(phrase("http.body_late", seconds=settings.body_idle_s), status=408) from None
        if not chunk:
            return b"".join(parts)
        size += len(chunk)
        if size > settings.max_body:
            raise too_large
        parts.append(chunk)


def incoming(request: web.BaseRequest, headers: Headers, host: str, target: str, body: bytes) -> Incoming:
    """The request as the gateway takes it, with our own header fields read."""
    get = request.headers.get
    return Incoming(
        host=host,
        method=request.method,
        target=target,
        headers=headers,
        body=body,
        client=get("X-Sluice-Client", "")[:40] or None,
        ref=valid_ref(get("X-Sluice-Request")),
        priority=priority(get("X-Sluice-Priority")),
        deadline_s=seconds(get("X-Sluice-Deadline")),
        language=get("X-Sluice-Language"),
        explain=explain_mode(get("X-Sluice-Explain")),
        wish=wish(request),
    )


def wish(request: web.BaseRequest) -> Wish:
    """What the call says about sharing its answer. Raises InvalidCall."""
    get = request.headers.get
    coalesce, cache, batch = get("X-Sluice-Coalesce"), get("X-Sluice-Cache"), get("X-Sluice-Batch")
    fallback = get("X-Sluice-Fallback")
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
    """BODY as a JSON object. Raises InvalidCall."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidCall(phrase("http.json"))
    return value
