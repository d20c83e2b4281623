"""What the daemon asks a JSON-RPC visitor: requests of our own, and the answers to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from daemon.operations import Unanswered


class Questions:
    """The open questions of one connection. Their ids are ours: they are never those of the visitor's requests."""

    def __init__(self, write: Callable[[Mapping[str, Any]], None]) -> None:
        self._write = write
        self._open: dict[str, asyncio.Future[Any]] = {}
        self._asked = 0
        self._closed = False

    async def ask(self, method: str, params: Mapping[str, Any], timeout_s: float) -> Any:
        """The visitor's answer. Raises Unanswered."""
        if self._closed:
            raise Unanswered(gone=True)
        self._asked += 1
        tag = f"ask-{self._asked}"
        self._open[tag] = answer = asyncio.get_running_loop().create_future()
        self._write({"jsonrpc": "2.0", "id": tag, "method": method, "params": params})
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            raise Unanswered from None
        finally:
            self._open.pop(tag, None)

    def take(self, message: Mapping[str, Any]) -> None:
        """Settle the question that MESSAGE answers; an answer to nothing that is open is dropped."""
        tag = message.get("id")
        answer = self._open.get(tag) if isinstance(tag, str) else None
        if answer is None or answer.done():
            return
        error = message.get("error")
        if error is None:
            answer.set_result(message.get("result"))
            return
        words = error.get("message") if isinstance(error, Mapping) else None
        answer.set_exception(Unanswered(words if isinstance(words, str) and words else None))

    def close(self) -> None:
        """The visitor is gone."""
        self._closed = True
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(Unanswered(gone=True))
