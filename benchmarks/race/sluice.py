"""Sluice as a user has it: a real daemon, and plain HTTP over its Unix socket. It is told the nominal minute only."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from benchmarks.race.entrant import Answer, Track
from benchmarks.race.jobs import Job
from benchmarks.race.processes import Daemon

HOST = "provider.test"
PATIENCE_S = 10.0
"""So long a client looks for a daemon that is being started again."""


class Sluice:
    """The daemon. Clients hand all their jobs over at once and know nothing of limits."""

    name = "Sluice"

    def __init__(self) -> None:
        self.daemon: Daemon
        self._session: aiohttp.ClientSession
        self._track: Track
        self._down = False
        self.handed_in_again = 0
        """Calls that a dying daemon did not answer, and that the client therefore sent once more."""

    async def begin(self, track: Track) -> None:
        """Start the daemon on an empty home."""
        self._track = track
        self.daemon = Daemon(config(track), track.folder)
        await self.daemon.start()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(self.daemon.socket), limit=0), timeout=aiohttp.ClientTimeout()
        )

    async def send(self, job: Job) -> Answer:
        """Send it; once more if the daemon goes away while it has the job."""
        until = None
        while True:
            try:
                return await self._once(job)
            except (aiohttp.ClientError, OSError) as error:
                now = asyncio.get_running_loop().time()
                until = until or now + PATIENCE_S
                if not self._down and now > until:
                    return Answer(False, None, repr(error))
                if not isinstance(error, aiohttp.ClientConnectorError):
                    self.handed_in_again += 1
                await asyncio.sleep(0.02)

    async def _once(self, job: Job) -> Answer:
        headers = {"Authorization": f"Bearer {self._track.key}", "Content-Type": "application/json",
                   "X-Sluice-Client": job.client}  # fmt: skip
        if job.priority != "normal":
            headers["X-Sluice-Priority"] = job.priority
        if job.deadline_s is not None:
            headers["X-Sluice-Deadline"] = f"{job.deadline_s:g}"
        url = f"http://{HOST}/v1/chat/completions"
        async with self._session.post(url, data=job.body(self._track.model), headers=headers) as answer:
            body = await answer.read()
            if answer.status == 200:
                return Answer("choices" in json.loads(body), 200)
            if answer.status == 503 and self._down:
                raise aiohttp.ClientError("the daemon is stopping")
            return Answer(False, answer.status, _subtype(body))

    async def restart(self, *, kill: bool = False) -> None:
        """End the daemon, by force if KILL, and start it again on the same files."""
        self._down = True
        await (self.daemon.kill9() if kill else self.daemon.stop())
        await self.daemon.start()
        self._down = False

    async def ask(self, operation: str) -> Any:
        """One of the daemon's own operations, for a closer look."""
        async with self._session.get(f"http://{HOST}/_sluice/{operation}") as answer:
            return await answer.json()

    async def hang_up(self) -> None:
        """Close the clients' connections."""
        await self._session.close()

    async def end(self) -> None:
        """Stop the daemon. Raises RuntimeError if it has written a traceback."""
        await self._session.close()
        await self.daemon.stop()
        if complaints := self.daemon.complaints():
            raise RuntimeError(f"the daemon complained:\n{complaints}")


def config(track: Track) -> str:
    """The config.yaml: where the provider is and how long its minute is, and what the row adds."""
    limits = f"\n  limits: [{', '.join(track.told)}]" if track.told else ""
    more = f"\n  {track.upstream}" if track.upstream else ""
    return (
        f"max_connections: 2000\nupstreams:\n- host: {HOST}\n  url: {track.url}\n  provider: openai-compatible\n"
        f"  minute: {track.minute_s * 1000:.0f}ms{limits}{more}\n"
    )


def _subtype(body: bytes) -> str:
    try:
        error = json.loads(body)["error"]
        return str((error.get("sluice") or {}).get("subtype") or error.get("code") or error.get("type"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return body[:80].decode("latin-1")
