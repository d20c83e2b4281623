"""The JSON-RPC 2.0 door: one UTF-8 JSON object a line (or a Content-Length frame), notifications, cancel.

What Emacs can read is the contract here: no NUL, no lone surrogate, no number beyond 64 bits in what goes out; params
may be null or absent; every connection is always read, and a slow reader gets its deltas merged instead of queued.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, cast

from daemon.doors.crowd import Crowd
from daemon.doors.framing import Framer, FramingError
from daemon.doors.gate import Gate
from daemon.doors.messages import is_text, parse, serialize, valid_id
from daemon.doors.outbox import Outbox
from daemon.doors.questions import Questions
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
from daemon.inlet import Inlet
from daemon.operations import Session
from daemon.operations.keys import NoKey
from daemon.phrases import phrase, told
from daemon.upstream import Watchdog

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603
REQUEST_CANCELLED = -32800

CODE_OF: Mapping[type[Refusal], int] = {
    InvalidCall: INVALID_PARAMS,
    UnknownOperation: METHOD_NOT_FOUND,
    NotFound: -32004,
    UnknownHost: -32005,
    BodyTooLarge: -32006,
    TooLarge: -32007,
    QueueFull: -32008,
    DeadlineExceeded: -32009,
    Cancelled: REQUEST_CANCELLED,
    ShuttingDown: -32010,
    OverBudget: -32011,
    NoKey: -32012,
    NotAllowed: -32013,
}
"""Refusal to JSON-RPC error code. A call that the upstream refused is -32001, with the explanation in `data`."""

BATCH_CAP = 100
IN_FLIGHT_CAP = 1000
STRANGERS_S = 10.0
"""Seconds for a visitor by TCP to say `hello` with the token."""
STRANGERS_MESSAGE = 64 << 10
"""Bytes that are taken of a visitor who has not."""
OUT_LIMIT = 8 << 20
"""Bytes that may wait for a slow reader before the connection is cut."""

_log = logging.getLogger("sluice.rpc")


Operate = Callable[[str, Mapping[str, Any], Session, Any], Awaitable[Mapping[str, Any]]]
"""Run an operation: name, params, the session, the request's id."""


class RpcConnection(Inlet):
    """One visitor who speaks JSON-RPC."""

    def __init__(
        self,
        operate: Operate,
        max_message: int,
        gone: Callable[[RpcConnection], None],
        language: str = "en",
        gate: Gate | None = None,
        *,
        patience_s: float = 30.0,
        full: bool = False,
    ) -> None:
        """PATIENCE_S: for the next piece of a message that has begun. FULL: there is no room for this one any more."""
        self._operate = operate
        self._patience_s = patience_s
        self._full = full
        self._gate = gate
        """What `hello` must pass first; None when it has, or where nobody else can come in."""
        self._max_message = max_message
        self._framer = Framer(max_message if gate is None else min(max_message, STRANGERS_MESSAGE))
        self._impatience: asyncio.TimerHandle | None = None
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._tasks: dict[str | int, asyncio.Task[None]] = {}
        self._anonymous: set[asyncio.Task[None]] = set()
        self._closers: list[Callable[[], None]] = []
        self._watchdog = Watchdog(asyncio.get_running_loop(), self._bite)
        self._outbox = Outbox(self._write)
        self._questions = Questions(self._write)
        self._default = language
        self.language: str | None = None
        """What the visitor reads, once it has said so with `hello`."""
        self.answers: Collection[str] = ()
        self.cut_by: Refusal | None = None
        """Why its operations are cut; None: who is cancelled has asked for it."""

    # ---- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=1 << 20)
        if self._gate is not None:
            self._impatience = asyncio.get_running_loop().call_later(STRANGERS_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Cut into messages and begin each."""
        if self._full:
            self._send_away(data)
            return
        try:
            for message in self._framer.messages(data):
                self._take(message)
                if self._ends():
                    return
        except FramingError as error:
            self._reply_error(None, INVALID_REQUEST, phrase("rpc.framing", why=error.args[0]))
            self.close()
        if self._framer.pending():
            self._watchdog.watch(self._patience_s)
        else:
            self._watchdog.rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what only this connection wanted."""
        self._transport = None
        self._settle_down()
        self._watchdog.leave()
        self._outbox.stop()
        self._questions.close()
        for task in self.tasks():
            task.cancel()
        for closer in self._closers:
            closer()
        self._gone(self)

    def pause_writing(self) -> None:
        """The visitor reads slowly: gather instead of sending."""
        self._outbox.paused = True

    def resume_writing(self) -> None:
        """It reads again."""
        self._outbox.paused = False
        self._outbox.flush()

    def close(self) -> None:
        """Send what is written, then close."""
        if self._transport is not None:
            self._outbox.flush()
            self._transport.close()

    def _ends(self) -> bool:
        """True if we have closed: what has come behind the last word is not begun."""
        return self._transport is None or self._transport.is_closing()

    def tasks(self) -> list[asyncio.Task[None]]:
        """The operations that run."""
        return [*self._tasks.values(), *self._anonymous]

    def _send_away(self, data: bytes) -> None:
        """Tell one for whom there is no room when to come back: by the id of its first request, if that is whole."""
        first = None
        with contextlib.suppress(FramingError, ValueError):
            first = next((parse(message) for message in self._framer.messages(data)), None)
        tag = first.get("id") if isinstance(first, dict) else None
        refusal = {"kind": ShuttingDown.code, "retry_after_s": 1}
        self._reply_error(tag if valid_id(tag) else None, CODE_OF[ShuttingDown], phrase("http.full"), refusal)
        self.close()

    def _bite(self) -> None:
        """The rest of a message did not come, or what was said last is not taken."""
        if self._transport is None:
            return
        if self._transport.is_closing():
            self._transport.abort()
            return
        self._reply_error(None, INVALID_REQUEST, phrase("rpc.late", seconds=self._patience_s))
        self.close()
        self._watchdog.watch(self._patience_s)

    # ---- the operations' side (Session)

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification; newer `queue` and `limits` ones replace older that still wait."""
        self._outbox.notify(method, told(params, self.language or self._default))

    def delta(self, tag: Any, call_id: str, text: str) -> None:
        """Send text, gathered for DELTA_S."""
        self._outbox.delta(tag, call_id, text)

    def on_close(self, action: Callable[[], None]) -> None:
        """Run ACTION when the connection ends."""
        self._closers.append(action)

    async def ask(self, method: str, params: Mapping[str, Any], timeout_s: float) -> Any:
        """The visitor's answer to a request of ours. Raises Unanswered."""
        return await self._questions.ask(method, told(params, self.language or self._default), timeout_s)

    # ---- messages

    def _take(self, message: bytes) -> None:
        try:
            value = parse(message)
        except ValueError as error:
            self._reply_error(None, PARSE_ERROR, phrase("rpc.not_json", why=error.args[0]))
            return
        escapes = b"\\u" in message
        if isinstance(value, list):
            if not value or len(value) > BATCH_CAP:
                self._reply_error(None, INVALID_REQUEST, phrase("rpc.batch", most=BATCH_CAP))
                return
            for one in value:
                if not self._ends():
                    self._begin(one, escapes)
        else:
            self._begin(value, escapes)

    def _begin(self, request: Any, escapes: bool) -> None:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            if isinstance(request, dict) and ("result" in request or "error" in request):
                self._questions.take(request)
                return
            self._reply_error(None, INVALID_REQUEST, phrase("rpc.request"))
            return
        tag = request.get("id")
        if "id" in request and not valid_id(tag):
            self._reply_error(None, INVALID_REQUEST, phrase("rpc.id"))
            return
        params = request.get("params")
        if params is None:
            params = {}
        if not isinstance(params, dict):
            self._refuse(tag, INVALID_PARAMS, phrase("rpc.params"))
            return
        if escapes and not is_text(request):
            self._refuse(tag, INVALID_PARAMS, phrase("rpc.surrogate"))
            return
        if request["method"] == "$/cancelRequest":
            self._cancel(params.get("id"))
            return
        self._run(tag, request["method"], params)

    def _admit(self, method: str, token: object) -> bool:
        """True if the visitor may ask for METHOD: one by TCP must have said the token with `hello`."""
        if self._gate is not None and method == "hello" and self._gate.knows(token):
            self._gate = None
            self._framer.max_message = self._max_message
            self._settle_down()
        return self._gate is None

    def _settle_down(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def _run(self, tag: str | int | None, method: str, params: dict[str, Any]) -> None:
        if not self._admit(method, params.pop("token", None) if method == "hello" else None):
            self._reply_error(tag, CODE_OF[NotAllowed], phrase("gate.hello"))
            self.close()
            return
        if tag is not None and tag in self._tasks:
            self._reply_error(tag, INVALID_REQUEST, phrase("rpc.same_id"))
            return
        if len(self._tasks) + len(self._anonymous) >= IN_FLIGHT_CAP:
            if tag is None:  # it would be lost, and nobody would hear of it
                self._reply_error(None, INVALID_REQUEST, phrase("rpc.flood", most=IN_FLIGHT_CAP))
                self.close()
            else:
                self._reply_error(tag, INVALID_REQUEST, phrase("rpc.in_flight", most=IN_FLIGHT_CAP))
            return
        task = asyncio.get_running_loop().create_task(self._answer(tag, method, params))
        if tag is None:
            self._anonymous.add(task)
            task.add_done_callback(self._anonymous.discard)
        else:
            self._tasks[tag] = task
            task.add_done_callback(lambda _task: self._tasks.pop(tag, None))

    async def _answer(self, tag: str | int | None, method: str, params: dict[str, Any]) -> None:
        asked = params["language"] if isinstance(params.get("language"), str) else None
        try:
            result = await self._operate(method, params, self, tag)
        except asyncio.CancelledError:
            if self.cut_by is None:
                self._refuse(tag, REQUEST_CANCELLED, phrase("rpc.cancelled"), language=asked)
            else:
                self._refused(tag, self.cut_by, asked)
        except Refusal as refusal:
            self._refused(tag, refusal, asked)
        except RecursionError:  # the parser allows a little more than those who read the params
            self._refuse(tag, INVALID_PARAMS, phrase("rpc.nested"), language=asked)
        except Exception:
            _log.exception(phrase("log.broke_operation"))
            self._refuse(tag, INTERNAL, phrase("rpc.broken"), language=asked)
        else:
            if tag is not None:
                self._outbox.flush()
                self._write({"jsonrpc": "2.0", "id": tag, "result": result})
        finally:
            self._outbox.forget(tag)

    def _cancel(self, tag: Any) -> None:
        """A moment later: a task of the same piece must begin first, or it would end without an answer."""
        task = self._tasks.get(tag) if valid_id(tag) else None
        if task is not None:
            asyncio.get_running_loop().call_soon(task.cancel)

    def _refused(self, tag: str | int | None, refusal: Refusal, language: str | None) -> None:
        code = -32001 if "explanation" in refusal.facts else CODE_OF.get(type(refusal), -32000)
        self._refuse(tag, code, refusal.message, {"kind": refusal.code, **refusal.facts}, language=language)

    def _refuse(
        self,
        tag: str | int | None,
        code: int,
        message: str,
        data: Mapping[str, Any] | None = None,
        language: str | None = None,
    ) -> None:
        """An error for a request; a notification is never answered."""
        if tag is not None:
            self._reply_error(tag, code, message, data, language)

    def _reply_error(
        self,
        tag: str | int | None,
        code: int,
        message: str,
        data: Mapping[str, Any] | None = None,
        language: str | None = None,
    ) -> None:
        error: dict[str, Any] = {"code": code, "message": told(message, language or self.language or self._default)}
        if data:
            error["data"] = data
        self._outbox.flush()
        self._write({"jsonrpc": "2.0", "id": tag, "error": error})

    def _write(self, message: Mapping[str, Any]) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(self._framer.wrap(serialize(message)))
        if transport.get_write_buffer_size() > OUT_LIMIT:
            _log.info(phrase("log.deaf"))
            transport.abort()


class RpcDoor:
    """Makes one protocol object for each JSON-RPC connection."""

    def __init__(
        self,
        operate: Operate,
        max_message: int,
        language: str = "en",
        *,
        crowd: Crowd | None = None,
        patience_s: float = 30.0,
    ) -> None:
        """CROWD: all who are in, of both languages. PATIENCE_S: for the next piece of a message that has begun."""
        self._operate = operate
        self._max_message = max_message
        self._language = language
        self._crowd = crowd or Crowd(256)
        self._patience_s = patience_s
        self._open: set[RpcConnection] = set()

    def __call__(self, gate: Gate | None = None) -> Inlet:
        """A protocol for a new connection; one that must pass GATE first, if there is one."""

        def gone(connection: RpcConnection) -> None:
            self._open.discard(connection)
            self._crowd.went(gate)

        self._crowd.came(gate)
        connection = RpcConnection(
            self._operate,
            self._max_message,
            gone,
            self._language,
            gate,
            patience_s=self._patience_s,
            full=self._crowd.full(gate),
        )
        self._open.add(connection)
        return connection

    def guarded(self, gate: Gate) -> Callable[[], Inlet]:
        """What makes protocols for connections that must pass GATE."""
        return lambda: self(gate)

    @property
    def connections(self) -> int:
        """Open JSON-RPC connections."""
        return len(self._open)

    def cut(self, why: Refusal) -> None:
        """The daemon ends: what is cancelled from now on is cut, and told WHY."""
        for connection in self._open:
            connection.cut_by = why

    async def drained(self) -> None:
        """Wait until the operations that run now have ended."""
        await asyncio.gather(*[task for one in self._open for task in one.tasks()], return_exceptions=True)

    def close(self) -> None:
        """Close all connections."""
        for connection in list(self._open):
            connection.close()
