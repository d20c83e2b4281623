"""A JSON-RPC visitor as operations see it: what goes out to it, in its language.

What Emacs can read is the contract here: no NUL, no lone surrogate, no number beyond 64 bits in what goes out; a slow
reader gets its deltas merged instead of queued.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

from daemon.doors.framing import Framer
from daemon.doors.messages import serialize
from daemon.doors.outbox import Outbox
from daemon.doors.questions import Questions
from daemon.phrases import phrase, told

OUT_LIMIT = 8 << 20
"""Bytes that may wait for a slow reader before the connection is cut."""

_log = logging.getLogger("sluice.rpc")


class RpcSession:
    """The way out of one connection, and what is known of who reads there (a Session of operations)."""

    def __init__(self, framer: Framer, language: str) -> None:
        """FRAMER knows in which framing the visitor speaks. LANGUAGE: for one who does not say what it reads."""
        self.language: str | None = None
        """What the visitor reads, once it has said so with `hello`."""
        self.answers: Collection[str] = ()
        self.outbox = Outbox(self._write)
        self.questions = Questions(self._write)
        self.transport: asyncio.Transport | None = None
        """None before the connection is made, and when it is lost."""
        self._framer = framer
        self._default = language
        self._closers: list[Callable[[], None]] = []

    # ---- what operations ask

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification; newer `queue` and `limits` ones replace older that still wait."""
        self.outbox.notify(method, told(params, self.language or self._default))

    def delta(self, tag: Any, call_id: str, text: str) -> None:
        """Send text, gathered for DELTA_S."""
        self.outbox.delta(tag, call_id, text)

    def on_close(self, action: Callable[[], None]) -> None:
        """Run ACTION when the connection ends."""
        self._closers.append(action)

    async def ask(self, method: str, params: Mapping[str, Any], timeout_s: float) -> Any:
        """The visitor's answer to a request of ours. Raises Unanswered."""
        return await self.questions.ask(method, told(params, self.language or self._default), timeout_s)

    # ---- answers

    def reply(self, tag: str | int, result: Mapping[str, Any]) -> None:
        """Answer a request, after the text that was gathered for it."""
        self.outbox.flush()
        self._write({"jsonrpc": "2.0", "id": tag, "result": result})

    def reply_error(
        self,
        tag: str | int | None,
        code: int,
        message: str,
        data: Mapping[str, Any] | None = None,
        language: str | None = None,
    ) -> None:
        """Say what is wrong, in LANGUAGE or as the visitor reads; TAG is None where no request can be named."""
        error: dict[str, Any] = {"code": code, "message": told(message, language or self.language or self._default)}
        if data:
            error["data"] = data
        self.outbox.flush()
        self._write({"jsonrpc": "2.0", "id": tag, "error": error})

    def _write(self, message: Mapping[str, Any]) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        transport.write(self._framer.wrap(serialize(message)))
        if transport.get_write_buffer_size() > OUT_LIMIT:
            _log.info(phrase("log.deaf"))
            transport.abort()

    # ---- the end

    def ends(self) -> bool:
        """True if we have closed: what has come behind the last word is not begun."""
        return self.transport is None or self.transport.is_closing()

    def close(self) -> None:
        """Send what is written, then close."""
        if self.transport is not None:
            self.outbox.flush()
            self.transport.close()

    def lost(self) -> None:
        """Nobody is there any more: ask and tell no further, and run what was to be run then."""
        self.transport = None
        self.outbox.stop()
        self.questions.close()
        for closer in self._closers:
            closer()
