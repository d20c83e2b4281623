"""The JSON-RPC 2.0 door: one UTF-8 JSON object a line (or a Content-Length frame), in the life of a connection.

Every connection is always read. What a message asks for is begun in dispatch.py; what goes out is in session.py.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from daemon.doors.crowd import Crowd
from daemon.doors.dispatch import CODE_OF, INVALID_REQUEST, Dispatcher, Operate
from daemon.doors.framing import Framer, FramingError
from daemon.doors.gate import Gate
from daemon.doors.messages import parse, valid_id
from daemon.doors.session import RpcSession
from daemon.errors import Refusal, ShuttingDown
from daemon.inlet import Inlet
from daemon.phrases import phrase
from daemon.upstream import Watchdog

STRANGERS_S = 10.0
"""Seconds for a visitor by TCP to say `hello` with the token."""
STRANGERS_MESSAGE = 64 << 10
"""Bytes that are taken of a visitor who has not."""


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
        self._patience_s = patience_s
        self._full = full
        self._gate = gate
        """What `hello` must pass first; None when it has, or where nobody else can come in."""
        self._max_message = max_message
        self._framer = Framer(max_message if gate is None else min(max_message, STRANGERS_MESSAGE))
        self._impatience: asyncio.TimerHandle | None = None
        self._gone = gone
        self._watchdog = Watchdog(asyncio.get_running_loop(), self._bite)
        self.session = RpcSession(self._framer, language)
        self.dispatcher = Dispatcher(operate, self.session, self._admit)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        made = cast(asyncio.Transport, transport)
        made.set_write_buffer_limits(high=1 << 20)
        self.session.transport = made
        if self._gate is not None:
            self._impatience = asyncio.get_running_loop().call_later(STRANGERS_S, made.abort)

    def data_received(self, data: bytes) -> None:
        """Cut into messages and begin each."""
        if self._full:
            self._send_away(data)
            return
        try:
            for message in self._framer.messages(data):
                self.dispatcher.take(message)
                if self.session.ends():
                    return
        except FramingError as error:
            self.session.reply_error(None, INVALID_REQUEST, phrase("rpc.framing", why=error.args[0]))
            self.session.close()
        if self._framer.pending():
            self._watchdog.watch(self._patience_s)
        else:
            self._watchdog.rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what only this connection wanted."""
        self._settle_down()
        self._watchdog.leave()
        self.session.lost()
        self._gone(self)

    def pause_writing(self) -> None:
        """The visitor reads slowly: gather instead of sending."""
        self.session.outbox.paused = True

    def resume_writing(self) -> None:
        """It reads again."""
        self.session.outbox.paused = False
        self.session.outbox.flush()

    def _send_away(self, data: bytes) -> None:
        """Tell one for whom there is no room when to come back: by the id of its first request, if that is whole."""
        first = None
        with contextlib.suppress(FramingError, ValueError):
            first = next((parse(message) for message in self._framer.messages(data)), None)
        tag = first.get("id") if isinstance(first, dict) else None
        refusal = {"kind": ShuttingDown.code, "retry_after_s": 1}
        self.session.reply_error(tag if valid_id(tag) else None, CODE_OF[ShuttingDown], phrase("http.full"), refusal)
        self.session.close()

    def _bite(self) -> None:
        """The rest of a message did not come, or what was said last is not taken."""
        transport = self.session.transport
        if transport is None:
            return
        if transport.is_closing():
            transport.abort()
            return
        self.session.reply_error(None, INVALID_REQUEST, phrase("rpc.late", seconds=self._patience_s))
        self.session.close()
        self._watchdog.watch(self._patience_s)

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
            connection.dispatcher.cut_by = why

    async def drained(self) -> None:
        """Wait until the operations that run now have ended."""
        await asyncio.gather(*[task for one in self._open for task in one.dispatcher.tasks()], return_exceptions=True)

    def close(self) -> None:
        """Close all connections."""
        for connection in list(self._open):
            connection.session.close()
