"""A provider that is not ours does not say what it saw: a thin relay in front of it takes notes.

All entrants go through the same relay, so that nobody is asked about himself. It adds about a millisecond to a call.
"""

from __future__ import annotations

import json
import time
from typing import Any

import aiohttp
from aiohttp import web

_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class Witness:
    """Relays to the base URL (without /v1) of another simulator, in this process."""

    def __init__(self, url: str) -> None:
        self._upstream = url.rstrip("/")
        self._seen: list[dict[str, Any]] = []
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen; `url` is then the base URL for the entrants."""
        self._session = aiohttp.ClientSession(
            auto_decompress=False, timeout=aiohttp.ClientTimeout(), connector=aiohttp.TCPConnector(limit=0)
        )
        app = web.Application(client_max_size=1 << 28)
        app.router.add_route("*", "/{rest:.*}", self._relay)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        note: dict[str, Any] = {"arrived": time.monotonic(), "status": None, "admitted": None, "ended": None,
                                "finished": False, "trouble": ""}  # fmt: skip
        self._seen.append(note)
        assert self._session is not None
        try:
            body = await request.read()
            note["body"] = body.decode("utf-8", "replace")
            headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _OURS]
            async with self._session.request(
                request.method, self._upstream + request.raw_path, data=body, headers=headers
            ) as answer:
                return await self._answer(request, answer, note)
        finally:
            note["ended"] = time.monotonic()

    async def _answer(
        self, request: web.Request, answer: aiohttp.ClientResponse, note: dict[str, Any]
    ) -> web.StreamResponse:
        """Pass the answer on, and note what it was."""
        note["status"] = answer.status
        note["admitted"] = note["arrived"] if answer.status == 200 else None
        out = web.StreamResponse(status=answer.status, reason=answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _OURS:
                out.headers.add(name, value)
        pieces = []
        await out.prepare(request)
        async for piece in answer.content.iter_any():
            pieces.append(piece)
            await out.write(piece)
        await out.write_eof()
        note["finished"] = True
        if answer.status != 200:
            note["trouble"] = _code(b"".join(pieces))
        return out

    async def seen(self) -> list[dict[str, Any]]:
        """What came, as `Simulator.seen` tells it."""
        return self._seen

    async def accepted(self) -> int:
        """How many calls were let in."""
        return sum(note["status"] == 200 for note in self._seen)

    async def stop(self) -> None:
        """Close everything."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()


def _code(body: bytes) -> str:
    """The code of an OpenAI-like error, in the sandbox's words where the benchmark asks for them."""
    try:
        error = json.loads(body)["error"]
        code = str(error.get("code") or error.get("type") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "unreadable"
    return code.replace("_", "-")
