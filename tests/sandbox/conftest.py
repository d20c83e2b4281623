"""A running sandbox and a client for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from daemon.sandbox import Sandbox, SandboxSettings
from daemon.sandbox.record import Seen

FAST: dict[str, Any] = {"service_s": 0.0, "slow_s": 0.05, "requests_per_minute": None, "tokens_per_minute": None}


class Client:
    """Talks to one sandbox in the forms of the three APIs."""

    def __init__(self, sandbox: Sandbox, url: str, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.url = url
        self.session = session

    def request(self, api: str, model: str, stream: bool = False, text: str = "hello there", **more: Any):
        """Return the not yet awaited request in the form of API: chat, responses, messages or generate."""
        turn = [{"role": "user", "content": text}]
        paths: dict[str, tuple[str, dict[str, Any]]] = {
            "chat": ("/v1/chat/completions", {"model": model, "stream": stream, "messages": turn}),
            "responses": ("/v1/responses", {"model": model, "stream": stream, "input": text}),
            "messages": ("/v1/messages", {"model": model, "stream": stream, "max_tokens": 500, "messages": turn}),
            "generate": (
                f"/v1beta/models/{model}:{'streamGenerateContent' if stream else 'generateContent'}",
                {"contents": [{"role": "user", "parts": [{"text": text}]}]},
            ),
        }
        path, body = paths[api]
        headers = {"Authorization": more.pop("key", "Bearer CANARY-1")}
        path += more.pop("query", "")
        return self.session.post(self.url + path, json=body | more, headers=headers, allow_redirects=False)

    async def ask(self, api: str, model: str, stream: bool = False, **more: Any) -> tuple[int, Any, bytes]:
        """Send and return status, headers and body."""
        async with self.request(api, model, stream, **more) as response:
            return response.status, response.headers, await response.read()

    async def until(self, ready: Callable[[Seen], bool]) -> Seen:
        """Return the last record as soon as it is READY; TimeoutError after two seconds."""
        async with asyncio.timeout(2):
            while not (self.sandbox.seen and ready(self.sandbox.seen[-1])):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return self.sandbox.seen[-1]

    async def json(self, api: str, model: str, **more: Any) -> tuple[int, Any]:
        """Send and return status and parsed body."""
        status, _, body = await self.ask(api, model, **more)
        return status, json.loads(body)


@pytest.fixture
async def serve() -> AsyncIterator[Any]:
    """Start a sandbox: `await serve(requests_per_minute=3)`. By default it is fast and without limits."""
    started: list[tuple[Sandbox, aiohttp.ClientSession]] = []

    async def start(clock: Any = None, **settings: Any) -> Client:
        sandbox = Sandbox(SandboxSettings(**(FAST | settings)), **({"clock": clock} if clock else {}))
        url = await sandbox.start()
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        started.append((sandbox, session))
        return Client(sandbox, url, session)

    yield start
    for sandbox, session in started:
        await session.close()
        await sandbox.stop()
