"""The requests of one JSON-RPC connection: from a message to the task that answers it, and cancel.

Params may be null or absent. Each request with an id is answered once, whatever becomes of it; a notification never.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from daemon.doors.messages import is_text, parse, valid_id
from daemon.doors.session import RpcSession
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
from daemon.operations import Session
from daemon.operations.keys import NoKey
from daemon.phrases import phrase

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

_log = logging.getLogger("sluice.rpc")


Operate = Callable[[str, Mapping[str, Any], Session, Any], Awaitable[Mapping[str, Any]]]
"""Run an operation: name, params, the session, the request's id."""


class Dispatcher:
    """Begins the requests of one connection, each as a task, and cancels them when it is lost."""

    def __init__(self, operate: Operate, session: RpcSession, admit: Callable[[str, object], bool]) -> None:
        """ADMIT: may the visitor ask for this method, with this token?"""
        self.cut_by: Refusal | None = None
        """Why its operations are cut; None: who is cancelled has asked for it."""
        self._operate = operate
        self._session = session
        self._admit = admit
        self._tasks: dict[str | int, asyncio.Task[None]] = {}
        self._anonymous: set[asyncio.Task[None]] = set()
        session.on_close(self._cancel_all)

    def tasks(self) -> list[asyncio.Task[None]]:
        """The operations that run."""
        return [*self._tasks.values(), *self._anonymous]

    def take(self, message: bytes) -> None:
        """Begin what MESSAGE, a request or a batch of them, asks for."""
        try:
            value = parse(message)
        except ValueError as error:
            self._session.reply_error(None, PARSE_ERROR, phrase("rpc.not_json", why=error.args[0]))
            return
        escapes = b"\\u" in message
        if isinstance(value, list):
            if not value or len(value) > BATCH_CAP:
                self._session.reply_error(None, INVALID_REQUEST, phrase("rpc.batch", most=BATCH_CAP))
                return
            for one in value:
                if not self._session.ends():
                    self._begin(one, escapes)
        else:
            self._begin(value, escapes)

    def _begin(self, request: Any, escapes: bool) -> None:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            if isinstance(request, dict) and ("result" in request or "error" in request):
                self._session.questions.take(request)
                return
            self._session.reply_error(None, INVALID_REQUEST, phrase("rpc.request"))
            return
        tag = request.get("id")
        if "id" in request and not valid_id(tag):
            self._session.reply_error(None, INVALID_REQUEST, phrase("rpc.id"))
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

    def _run(self, tag: str | int | None, method: str, params: dict[str, Any]) -> None:
        if not self._admit(method, params.pop("token", None) if method == "hello" else None):
            self._session.reply_error(tag, CODE_OF[NotAllowed], phrase("gate.hello"))
            self._session.close()
            return
        if tag is not None and tag in self._tasks:
            self._session.reply_error(tag, INVALID_REQUEST, phrase("rpc.same_id"))
            return
        if len(self._tasks) + len(self._anonymous) >= IN_FLIGHT_CAP:
            if tag is None:  # it would be lost, and nobody would hear of it
                self._session.reply_error(None, INVALID_REQUEST, phrase("rpc.flood", most=IN_FLIGHT_CAP))
                self._session.close()
            else:
                self._session.reply_error(tag, INVALID_REQUEST, phrase("rpc.in_flight", most=IN_FLIGHT_CAP))
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
            result = await self._operate(method, params, self._session, tag)
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
                self._session.reply(tag, result)
        finally:
            self._session.outbox.forget(tag)

    def _cancel(self, tag: Any) -> None:
        """A moment later: a task of the same piece must begin first, or it would end without an answer."""
        task = self._tasks.get(tag) if valid_id(tag) else None
        if task is not None:
            asyncio.get_running_loop().call_soon(task.cancel)

    def _cancel_all(self) -> None:
        """Nobody would hear the answers."""
        for task in self.tasks():
            task.cancel()

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
            self._session.reply_error(tag, code, message, data, language)
