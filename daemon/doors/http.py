"""The HTTP door: passthrough by `Host` or `/to/HOST/...`, and control operations under `/_sluice/`.

What gptel needs exactly is the contract here: the status is decided before a byte goes out, headers go out together
with the first bytes of the body, no 1xx line is ever sent, a cut stream ends uncleanly, errors keep the provider's
shape.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from daemon.doors.connection import HttpConnection, Route
from daemon.doors.crowd import Crowd
from daemon.doors.gate import Gate
from daemon.doors.parsing import NotHttp, Request
from daemon.doors.request import HttpSettings, check_request, incoming, json_object, route
from daemon.doors.writing import Ready, json_ready
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
from daemon.inlet import Inlet
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

_OURS = "/_sluice/"

_log = logging.getLogger("sluice.http")


class HttpDoor:
    """Makes one protocol object for each HTTP connection, and has its requests answered."""

    def __init__(self, gateway: Gateway, operate: Operate, settings: HttpSettings | None = None) -> None:
        self._gateway = gateway
        self._operate = operate
        self._settings = settings or HttpSettings()
        self._inside: set[HttpConnection] = set()
        self.crowd = Crowd(self._settings.max_connections)
        """All who are in; those who speak JSON-RPC are counted there, too."""
        self.accepting = True
        self.leaving = False
        """True when another daemon has taken our place: each connection ends with the answer that is under way."""

    def __call__(self) -> Inlet:
        """A protocol for a new connection."""
        return HttpConnection(self, self._settings)

    def guarded(self, gate: Gate) -> Callable[[], Inlet]:
        """What makes protocols for connections whose every request must pass GATE."""
        return lambda: HttpConnection(self, self._settings, gate)

    @property
    def connections(self) -> int:
        """Open HTTP connections."""
        return len(self._inside)

    async def close(self, timeout_s: float) -> None:
        """Let running requests end for TIMEOUT_S, then cut them."""
        self.accepting = False
        everybody = list(self._inside)
        for one in everybody:
            one.part()
        tasks = {one.task for one in everybody if one.task is not None}
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
        for one in everybody:
            one.abort()
            if one.task is not None:
                one.task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- what its connections ask

    def came(self, connection: HttpConnection) -> None:
        """It is open."""
        self._inside.add(connection)
        self.crowd.came(connection.gate)

    def went(self, connection: HttpConnection) -> None:
        """It has ended."""
        self._inside.discard(connection)
        self.crowd.went(connection.gate)

    def admit(self, request: Request, gate: Gate | None) -> Route:
        """Where REQUEST goes, before its body is read. Raises Refusal."""
        if gate is not None:
            gate.check(request.headers)
        full = self.crowd.full(gate) or not self.accepting
        check_request(request, full=full)
        return None if request.target.startswith(_OURS) else route(request, by_host=gate is None)

    async def answer(self, request: Request, way: Route, body: bytes, connection: HttpConnection) -> None:
        """Answer a call, or run an operation."""
        try:
            if way is None:
                connection.say(await self._control(request, body), request)
                return
            call = self._gateway.receive(incoming(request, *way, body))
            reply = await self._gateway.send(call)
        except Refusal as refusal:
            connection.say(self.refused(refusal, request), request)
            return
        await self._deliver(request, reply, connection)

    async def _deliver(self, request: Request, reply: Reply, connection: HttpConnection) -> None:
        """Send REPLY: headers together with the first bytes, then chunk by chunk as fast as the client reads."""
        chunks = reply.chunks
        try:
            first = await anext(chunks, b"")
            connection.begin(request, reply.status, reply.reason, reply.headers, first)
            async for chunk in chunks:
                await connection.more(chunk)
            connection.end()
        except StreamCut:
            connection.abort()  # an unclean end is the only way to tell a client that the stream is not whole
        except TimeoutError:
            self._gateway.unread(reply.call.id, self._settings.write_idle_s)
            connection.abort()
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    async def _control(self, request: Request, body: bytes) -> Ready:
        """One control operation: parameters from the query and a JSON body."""
        name, _, query = request.target.removeprefix(_OURS).partition("?")
        params: dict[str, Any] = dict(reversed(parse_qsl(query, keep_blank_values=True)))
        if "x-sluice-language" in request.fields:
            params.setdefault("language", request.fields["x-sluice-language"])
        try:
            if body.strip():
                params |= json_object(body)
            return json_ready(await self._operate(name, params), 200)
        except RecursionError:  # the parser allows a little more than those who read the params
            raise InvalidCall(phrase("rpc.nested")) from None

    def refused(self, refusal: Refusal, request: Request) -> Ready:
        """Our own no, in OpenAI's shape, which every client reads."""
        status, reason = STATUS_OF.get(type(refusal), (503, "Refused by Sluice"))
        status = int(str(refusal.facts.get("status", status)))
        told = refusal.told(language_of(request, self._settings.language))
        wait = refusal.facts.get("retry_after_s")
        later = (("Retry-After", str(max(0, int(wait + 0.999)))),) if isinstance(wait, (int, float)) else ()
        return json_ready(error_json(told, f"sluice_{refusal.code}", refusal.facts), status, reason, later)

    def not_http(self, fault: NotHttp) -> Ready:
        """An answer to what could not be read: nothing of it is repeated, since it may hold a key."""
        _log.debug(phrase("log.not_http", why=fault.said))
        return json_ready(error_json(phrase(fault.said).told(self._settings.language), "sluice_invalid_call"), 400)

    def broken(self, request: Request) -> Ready:
        """An answer when we broke; the traceback goes to the log."""
        _log.exception(phrase("log.broke_request"))
        told = phrase("http.broken").told(language_of(request, self._settings.language))
        return json_ready(error_json(told, "sluice_broken"), 500)

    def cut_for_haste(self) -> None:
        """A client is cut that did not wait for its answers."""
        _log.info(phrase("log.pipelined"))

    def cut_for_sloth(self) -> None:
        """A client is cut that did not take the rest of its answer."""
        _log.info(phrase("log.unread", seconds=self._settings.write_idle_s))


def language_of(request: Request, default: str) -> str:
    """Which language the visitor reads: by the header, or the parameter of an operation."""
    asked = request.fields.get("x-sluice-language")
    if asked is None and request.target.startswith(_OURS):
        asked = dict(parse_qsl(request.target.partition("?")[2])).get("language")
    return asked or default


def error_json(message: str, kind: str, facts: Mapping[str, object] | None = None) -> dict[str, Any]:
    """An error body."""
    error: dict[str, Any] = {"message": message, "type": kind, "param": None, "code": kind}
    if facts:
        error["sluice"] = dict(facts)
    return {"type": "error", "error": error}
