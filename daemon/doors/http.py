"""The HTTP door: passthrough by `Host` or `/to/HOST/...`, and control operations under `/_sluice/`.

What gptel needs exactly is the contract here: the status is decided before a byte goes out, headers go out together
with the first bytes of the body, no 1xx line is ever sent, a cut stream ends uncleanly, errors keep the provider's
shape.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.web_protocol import RequestHandler

from daemon import __version__
from daemon.errors import (
    BodyTooLarge,
    Cancelled,
    DeadlineExceeded,
    InvalidCall,
    NotFound,
    QueueFull,
    Refusal,
    ShuttingDown,
    TooLarge,
    UnknownHost,
    UnknownOperation,
)
from daemon.gateway import Gateway, Incoming
from daemon.model import Headers, Priority, Reply
from daemon.upstream import StreamCut

STATUS_OF: Mapping[type[Refusal], tuple[int, str]] = {
    InvalidCall: (400, "Bad request to Sluice"),
    NotFound: (404, "Not found"),
    UnknownOperation: (404, "No such operation"),
    UnknownHost: (404, "Host unknown to Sluice"),
    BodyTooLarge: (413, "Body too large"),
    TooLarge: (429, "Request too large"),
    QueueFull: (503, "Queue full"),
    DeadlineExceeded: (504, "Would wait too long"),
    Cancelled: (503, "Cancelled"),
    ShuttingDown: (503, "Sluice is stopping"),
}
"""Refusal to status and reason phrase (ASCII, at most 30 characters)."""

Operate = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Run one control operation by name with JSON parameters."""

_log = logging.getLogger("sluice.http")
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


class HttpDoor:
    """Makes one protocol object for each HTTP connection."""

    def __init__(self, gateway: Gateway, operate: Operate, settings: HttpSettings = HttpSettings()) -> None:
        self._gateway = gateway
        self._operate = operate
        self._settings = settings
        self._server = _Server(
            self._handle,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=settings.keepalive_s,
            lingering_time=settings.linger_s,
            max_line_size=16 * 1024,
            max_field_size=16 * 1024,
            logger=_log,
        )
        self.accepting = True

    def __call__(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        return self._server()

    @property
    def connections(self) -> int:
        """Open HTTP connections."""
        return len(self._server.connections)

    async def close(self, timeout_s: float) -> None:
        """Let running requests end for TIMEOUT_S, then cut them."""
        self.accepting = False
        self._server.pre_shutdown()
        await self._server.shutdown(timeout_s)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            check_request(request, full=self.connections > self._settings.max_connections or not self.accepting)
            headers = readable_headers(request)
            if request.raw_path.startswith("/_sluice/"):
                return await self._control(request)
            host, target = route(request)
            body = await read_body(request, self._settings)
            call = self._gateway.receive(incoming(request, headers, host, target, body))
            reply = await self._gateway.send(call)
        except Refusal as refusal:
            return refuse(refusal, request)
        return await deliver(request, reply, self._settings.write_idle_s)

    async def _control(self, request: web.BaseRequest) -> web.StreamResponse:
        """One control operation: parameters from the query and a JSON body."""
        name = request.raw_path.removeprefix("/_sluice/").partition("?")[0]
        params: dict[str, Any] = dict(request.query)
        body = await read_body(request, self._settings)
        if body.strip():
            params |= json_object(body)
        return json_response(await self._operate(name, params), 200)


class _Handler(RequestHandler):
    """aiohttp's protocol, less its own error pages: they quote the offending header line, which may hold a key."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A safe answer; the traceback of our own faults goes to the log, bad requests only at debug level."""
        if isinstance(exc, ConnectionError):  # the client left while it was being answered: not a fault
            raise exc
        if status >= 500:
            _log.error("broken while answering a request", exc_info=exc)
            text = "Sluice itself broke on this request; nothing is known about the call. Its log has the details."
        else:
            _log.debug("a request that is not valid HTTP: %s", type(exc).__name__)
            text = "This is not a valid HTTP/1.1 request, so nothing was sent on. Check the client's header lines."
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had already begun")
        response = json_response(error_json(text, "sluice_broken" if status >= 500 else "sluice_invalid_call"), status)
        response.force_close()
        return response


class _Server(web.Server):
    """aiohttp's server with our protocol class."""

    def __call__(self) -> RequestHandler:
        return _Handler(self, loop=self._loop, **self._kwargs)


# ---- reading a request


def check_request(request: web.BaseRequest, *, full: bool) -> None:
    """Refuse what is ambiguous or not ours to speak. Raises Refusal."""
    if request.version not in (HttpVersion10, HttpVersion11):
        raise InvalidCall("only HTTP/1.0 and HTTP/1.1 are spoken here; set the client to HTTP/1.1")
    if request.method not in _METHODS:
        raise InvalidCall(f"the method is not one of {', '.join(sorted(_METHODS))}; nothing was sent on")
    target = request.raw_path
    if not target.startswith("/") or target.startswith("//"):
        raise InvalidCall("the request target must be a path that begins with one slash; set the host by `Host`")
    encodings = request.headers.getall("Transfer-Encoding", [])
    if encodings and [value.strip().lower() for value in encodings] != ["chunked"]:
        raise InvalidCall("the only Transfer-Encoding understood is `chunked`; send a Content-Length")
    named = {name.strip().lower() for value in request.headers.getall("Connection", []) for name in value.split(",")}
    if request.headers.get("Upgrade") and "upgrade" in named:
        raise InvalidCall("WebSockets and other upgrades are not passed on; use the provider's HTTP API", status=501)
    expect = request.headers.get("Expect", "100-continue")
    if expect.lower() != "100-continue":
        raise InvalidCall("the Expect header holds something other than 100-continue; leave it out", status=417)
    if named - {"", "close", "keep-alive", "te", "upgrade"}:
        raise InvalidCall("the Connection header names header fields to drop; it may only say close or keep-alive")
    if full:
        raise ShuttingDown("Sluice takes no more connections just now; try again in a moment", retry_after_s=1)


def readable_headers(request: web.BaseRequest) -> Headers:
    """The header fields in order, with case and duplicates. Raises InvalidCall for bytes that are not UTF-8."""
    try:
        return tuple((name.decode("ascii"), value.decode("utf-8")) for name, value in request.raw_headers)
    except UnicodeDecodeError:
        raise InvalidCall("a header field is not UTF-8 text, so it could not be passed on unchanged") from None


def route(request: web.BaseRequest) -> tuple[str, str]:
    """(host, target): by `/to/HOST/...` if the path says so, else by the one Host header."""
    match = _TO.match(request.raw_path)
    if match:
        rest = match[2] if match[2].startswith("/") else "/" + match[2]
        return match[1].lower(), rest
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not hosts[0].strip():
        raise InvalidCall("exactly one Host header must name the provider, for example `Host: api.openai.com`")
    return hosts[0].strip().lower(), request.raw_path


async def read_body(request: web.BaseRequest, settings: HttpSettings) -> bytes:
    """The whole body, as it came. Raises BodyTooLarge, InvalidCall."""
    too_large = BodyTooLarge(
        f"the body is larger than {settings.max_body:,} bytes; raise the setting max_body if that is right"
    )
    if (request.content_length or 0) > settings.max_body:
        raise too_large
    parts: list[bytes] = []
    size = 0
    while True:
        try:
            async with asyncio.timeout(settings.body_idle_s):
                chunk = await request.content.readany()
        except TimeoutError:
            text = (
                f"the promised body did not come within {settings.body_idle_s:g} s (setting timeouts.body); send again"
            )
            raise InvalidCall(text, status=408) from None
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
    )


def priority(word: str | None) -> Priority:
    """interactive, normal or batch; normal when nothing is said. Raises InvalidCall."""
    if word is None:
        return Priority.NORMAL
    if word.lower() not in _PRIORITIES:
        raise InvalidCall("X-Sluice-Priority is interactive, normal or batch")
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
        raise InvalidCall("X-Sluice-Deadline is a number of seconds, for example 30")
    return value


def explain_mode(word: str | None) -> Any:
    """inline, field or off. Raises InvalidCall."""
    if word is not None and word not in _EXPLAIN:
        raise InvalidCall("X-Sluice-Explain is inline, field or off")
    return word


def valid_ref(word: str | None) -> str | None:
    """A client's own id for its call. Raises InvalidCall."""
    if word is not None and not _ID.match(word):
        raise InvalidCall("X-Sluice-Request is at most 128 printable ASCII characters without spaces")
    return word


def json_object(body: bytes) -> dict[str, Any]:
    """BODY as a JSON object. Raises InvalidCall."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidCall("the parameters of an operation are one JSON object")
    return value


# ---- answering


class _Answer(web.StreamResponse):
    """aiohttp's streamed answer, which sends its headers with the first bytes of the body and not before."""

    _send_headers_immediately = False


async def deliver(request: web.BaseRequest, reply: Reply, write_idle_s: float) -> web.StreamResponse:
    """Send REPLY: headers together with the first bytes, then chunk by chunk as fast as the client reads."""
    chunks = reply.chunks
    try:
        first = await anext(chunks, b"")
        response = _Answer(status=reply.status, reason=reply.reason or None)
        for name, value in reply.headers:
            response.headers.add(name, value)
        response.headers.setdefault("Server", f"sluice/{__version__}")
        await response.prepare(request)
        if first and request.method != "HEAD":
            await _write(response, first, write_idle_s)
        async for chunk in chunks:
            if request.method != "HEAD":
                await _write(response, chunk, write_idle_s)
        await response.write_eof()
    except (StreamCut, TimeoutError):
        # An unclean end is the only way to tell a client that the stream is not whole.
        if request.transport is not None:
            request.transport.abort()
        raise asyncio.CancelledError from None
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
    return response


async def _write(response: web.StreamResponse, chunk: bytes, idle_s: float) -> None:
    """Write one CHUNK. Raises TimeoutError when the client takes nothing for IDLE_S: it holds a slot meanwhile."""
    async with asyncio.timeout(idle_s):
        await response.write(chunk)


def refuse(refusal: Refusal, request: web.BaseRequest) -> web.StreamResponse:
    """Our own no, in OpenAI's shape, which every client reads."""
    status, reason = STATUS_OF.get(type(refusal), (503, "Refused by Sluice"))
    status = int(str(refusal.facts.get("status", status)))
    body = error_json(refusal.message, f"sluice_{refusal.code}", refusal.facts)
    response = json_response(body, status, reason)
    wait = refusal.facts.get("retry_after_s")
    if isinstance(wait, (int, float)):
        response.headers["Retry-After"] = str(max(0, int(wait + 0.999)))
    if not request.content.at_eof():
        response.force_close()
    return response


def error_json(message: str, kind: str, facts: Mapping[str, object] | None = None) -> dict[str, Any]:
    """An error body."""
    error: dict[str, Any] = {"message": message, "type": kind, "param": None, "code": kind}
    if facts:
        error["sluice"] = dict(facts)
    return {"type": "error", "error": error}


def json_response(value: Mapping[str, Any], status: int, reason: str | None = None) -> web.Response:
    """VALUE as a JSON answer."""
    text = json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace")
    headers = {"Content-Type": "application/json", "Server": f"sluice/{__version__}"}
    return web.Response(body=text + b"\n", status=status, reason=reason, headers=headers)
