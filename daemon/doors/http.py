"""The HTTP door: passthrough by `Host` or `/to/HOST/...`, and control operations under `/_sluice/`.

What gptel needs exactly is the contract here: the status is decided before a byte goes out, headers go out together
with the first bytes of the body, no 1xx line is ever sent, a cut stream ends uncleanly, errors keep the provider's
shape.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.http import HttpVersion11
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, RequestHandler, _ErrInfo

from daemon import __version__
from daemon.doors.gate import Gate
from daemon.doors.request import (
    SPOKEN,
    HttpSettings,
    check_request,
    incoming,
    json_object,
    read_body,
    readable_headers,
    route,
)
from daemon.errors import (
    BodyTooLarge,
    Cancelled,
    DeadlineExceeded,
    InvalidCall,
    NotAllowed,
    NotFound,
    OverBudget,
    QueueFull,
    Refusal,
    ShuttingDown,
    TooLarge,
    UnknownHost,
    UnknownOperation,
)
from daemon.gateway import Gateway
from daemon.model import Reply
from daemon.phrases import phrase
from daemon.upstream import StreamCut

STATUS_OF: Mapping[type[Refusal], tuple[int, str]] = {
    InvalidCall: (400, "Bad request to Sluice"),
    NotAllowed: (403, "Not let in"),
    NotFound: (404, "Not found"),
    UnknownOperation: (404, "No such operation"),
    UnknownHost: (404, "Host unknown to Sluice"),
    BodyTooLarge: (413, "Body too large"),
    TooLarge: (429, "Request too large"),
    QueueFull: (503, "Queue full"),
    DeadlineExceeded: (504, "Would wait too long"),
    OverBudget: (402, "Your own budget is used up"),
    Cancelled: (503, "Cancelled"),
    ShuttingDown: (503, "Sluice is stopping"),
}
"""Refusal to status and reason phrase (ASCII, at most 30 characters)."""

Operate = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Run one control operation by name with JSON parameters."""

_log = logging.getLogger("sluice.http")


class HttpDoor:
    """Makes one protocol object for each HTTP connection."""

    def __init__(self, gateway: Gateway, operate: Operate, settings: HttpSettings | None = None) -> None:
        self._gateway = gateway
        self._operate = operate
        self._settings = settings = settings or HttpSettings()
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
        self._server.language = settings.language
        self.accepting = True
        self.leaving = False
        """True when another daemon has taken our place: each connection ends with the answer that is under way."""

    def __call__(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        return self._server()

    def guarded(self, gate: Gate) -> Callable[[], asyncio.Protocol]:
        """What makes protocols for connections whose every request must pass GATE."""

        def make() -> asyncio.Protocol:
            handler = self._server()
            handler.gate = gate
            return handler

        return make

    @property
    def connections(self) -> int:
        """Open HTTP connections."""
        return len(self._server.connections)

    def _full(self, gate: Gate | None) -> bool:
        """True if no more come in by this way. Each has its own count: strangers at one must not close the other."""
        here = sum(getattr(one, "gate", None) is gate for one in self._server.connections)
        return here > self._settings.max_connections or not self.accepting

    async def close(self, timeout_s: float) -> None:
        """Let running requests end for TIMEOUT_S, then cut them."""
        self.accepting = False
        self._server.pre_shutdown()
        await self._server.shutdown(timeout_s)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            gate: Gate | None = getattr(request.protocol, "gate", None)
            headers = readable_headers(request)
            if gate is not None:
                gate.check(headers)
            check_request(request, full=self._full(gate))
            if request.raw_path.startswith("/_sluice/"):
                return await self._control(request)
            host, target = route(request, by_host=gate is None)
            body = await read_body(request, self._settings)
            call = self._gateway.receive(incoming(request, headers, host, target, body))
            reply = await self._gateway.send(call)
        except Refusal as refusal:
            if request.version not in SPOKEN:
                request._version = HttpVersion11  # or aiohttp answers in a version that nobody speaks here
                request._cache.pop("version", None)
            return refuse(refusal, request, language_of(request, self._settings.language))
        return await deliver(request, reply, self._settings.write_idle_s, last=self.leaving)

    async def _control(self, request: web.BaseRequest) -> web.StreamResponse:
        """One control operation: parameters from the query and a JSON body."""
        name = request.raw_path.removeprefix("/_sluice/").partition("?")[0]
        params: dict[str, Any] = dict(request.query)
        if "X-Sluice-Language" in request.headers:
            params.setdefault("language", request.headers["X-Sluice-Language"])
        body = await read_body(request, self._settings)
        if body.strip():
            params |= json_object(body)
        return json_response(await self._operate(name, params), 200)


class _Handler(RequestHandler):
    """aiohttp's protocol, less its own error pages: they quote the offending header line, which may hold a key."""

    __slots__ = ("gate",)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.gate: Gate | None = None

    def data_received(self, data: bytes) -> None:
        """Take DATA. What is wrong in a body ends the wait for it, and whoever sends ever more requests is cut.

        aiohttp queues the fault as the next request, and stops reading at some number of requests that wait; then it
        would not hear that the client leaves, and what runs would go on for nobody.
        """
        super().data_received(data)
        if not self._messages:
            return
        running, last = self._current_request, self._messages[-1][0]
        if isinstance(last, _ErrInfo) and running is not None and not running.content.is_eof():
            running.content.set_exception(last.exc)
        if len(self._messages) >= MAX_MSG_QUEUE_SIZE and self.transport is not None:
            _log.info(phrase("log.pipelined", n=len(self._messages)))
            self.transport.abort()

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
            _log.error(phrase("log.broke_request"), exc_info=exc)
            said = phrase("http.broken")
        else:
            _log.debug(phrase("log.not_http", why=type(exc).__name__))
            said = phrase("http.not_http")
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had already begun")
        text = said.told(language_of(request, getattr(self._manager, "language", "en")))
        response = json_response(error_json(text, "sluice_broken" if status >= 500 else "sluice_invalid_call"), status)
        response.force_close()
        return response


class _Server(web.Server):
    """aiohttp's server with our protocol class."""

    language = "en"

    def __call__(self) -> _Handler:
        return _Handler(self, loop=self._loop, **self._kwargs)


# ---- answering


class _Answer(web.StreamResponse):
    """aiohttp's streamed answer, which sends its headers with the first bytes of the body and not before."""

    _send_headers_immediately = False


async def deliver(
    request: web.BaseRequest, reply: Reply, write_idle_s: float, *, last: bool = False
) -> web.StreamResponse:
    """Send REPLY: headers together with the first bytes, then chunk by chunk as fast as the client reads. LAST: then
    the connection is closed."""
    chunks = reply.chunks
    try:
        first = await anext(chunks, b"")
        response = _Answer(status=reply.status, reason=reply.reason or None)
        for name, value in reply.headers:
            response.headers.add(name, value)
        response.headers.setdefault("Server", f"sluice/{__version__}")
        if last:
            response.force_close()
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


def language_of(request: web.BaseRequest, default: str) -> str:
    """Which language the visitor reads: by the header, or the parameter of an operation."""
    asked = request.headers.get("X-Sluice-Language")
    return asked or (request.query.get("language") if request.path.startswith("/_sluice/") else None) or default


def refuse(refusal: Refusal, request: web.BaseRequest, language: str = "en") -> web.StreamResponse:
    """Our own no, in OpenAI's shape, which every client reads."""
    status, reason = STATUS_OF.get(type(refusal), (503, "Refused by Sluice"))
    status = int(str(refusal.facts.get("status", status)))
    body = error_json(refusal.told(language), f"sluice_{refusal.code}", refusal.facts)
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
