"""A loop in the manner of the OpenAI cookbook's parallel request processor, written anew from its description.

It is told both limits, begins with a full minute's capacity, refills it continuously, starts one request after the
other in the order in which they came, stops for 15 s after each rate limit error, and gives up a request after 5
attempts whatever the errors were.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

import aiohttp

from benchmarks.race.entrant import Answer, Track
from benchmarks.race.jobs import Job

ATTEMPTS = 5
PAUSE_S = 15.0
LOOK_S = 0.001


@dataclass(eq=False)
class _Wanted:
    job: Job
    answer: asyncio.Future[Answer]
    left: int = ATTEMPTS


@dataclass
class Allowance:
    """What may be sent now: refilled continuously, never more than one minute's limit."""

    limit: float
    minute_s: float
    level: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.level = self.limit

    def refill(self, now: float) -> float:
        """Bring it up to NOW and return it."""
        self.level = min(self.limit, self.level + (now - self.at) * self.limit / self.minute_s)
        self.at = now
        return self.level


class Cookbook:
    """The loop, and plain HTTP by aiohttp."""

    name = "cookbook-style loop"

    async def begin(self, track: Track) -> None:
        """Start the loop."""
        self._track = track
        self._requests = Allowance(track.size.requests, track.minute_s)
        self._tokens = Allowance(track.size.tokens, track.minute_s)
        self._queue: deque[_Wanted] = deque()
        self._again: deque[_Wanted] = deque()
        self._limited_at = float("-inf")
        self._running: set[asyncio.Task[None]] = set()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout())
        self._loop = asyncio.create_task(self._run())

    async def send(self, job: Job) -> Answer:
        """Line up."""
        wanted = _Wanted(job, asyncio.get_running_loop().create_future())
        self._queue.append(wanted)
        return await wanted.answer

    async def _run(self) -> None:
        """Look every millisecond whether the next one may go."""
        while True:
            self._start_some()
            await asyncio.sleep(LOOK_S)
            pause = self._limited_at + PAUSE_S * self._track.pace - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)

    def _start_some(self) -> None:
        now = time.monotonic()
        while self._again or self._queue:
            line = self._again or self._queue
            wanted = line[0]
            if wanted.answer.done():
                line.popleft()
                continue
            if self._requests.refill(now) < 1 or self._tokens.refill(now) < wanted.job.tokens:
                return
            line.popleft()
            self._requests.level -= 1
            self._tokens.level -= wanted.job.tokens
            wanted.left -= 1
            task = asyncio.create_task(self._call(wanted))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _call(self, wanted: _Wanted) -> None:
        status, why = None, ""
        try:
            async with self._session.post(
                f"{self._track.url}/v1/chat/completions", data=wanted.job.body(self._track.model),
                headers={"Authorization": f"Bearer {self._track.key}", "Content-Type": "application/json"},
            ) as answer:  # fmt: skip
                await answer.read()
                status = answer.status
        except aiohttp.ClientError as error:
            why = type(error).__name__
        if status == 429:
            self._limited_at = time.monotonic()
        if status == 200 or wanted.left == 0:
            if not wanted.answer.done():
                wanted.answer.set_result(Answer(status == 200, status, why))
        else:
            self._again.append(wanted)

    async def end(self) -> None:
        """Stop the loop and what still runs."""
        for task in (self._loop, *self._running):
            task.cancel()
        await asyncio.gather(self._loop, *self._running, return_exceptions=True)
        await self._session.close()
