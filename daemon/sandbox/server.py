"""The simulated provider as an HTTP server: it takes a request, decides, answers, and remembers what it saw."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import ClientPayloadError, web

from daemon.errors import ConfigError
from daemon.phrases import phrase
from daemon.sandbox import anthropic, control, gemini, openai, tricks
from daemon.sandbox.dialect import Dialect, Fields
from daemon.sandbox.door import account, cost_of, same
from daemon.sandbox.exchange import Exchange
from daemon.sandbox.meter import Meter
from daemon.sandbox.openai_arrays import too_much
from daemon.sandbox.pages import PAGES
from daemon.sandbox.question import read
from daemon.sandbox.quirks import shown
from daemon.sandbox.record import Seen
from daemon.sandbox.settings import SandboxSettings
from daemon.sandbox.trouble import Trouble
from daemon.sandbox.wire import PLAYS, reset

DIALECTS: dict[str, Dialect] = {"openai": openai, "anthropic": anthropic, "gemini": gemini}
_FAULTS = {503: "overloaded", 529: "overloaded"}
_NO_JSON = "We could not parse the JSON body of your request."
_NO_MODEL = "you must provide a model parameter"
_MAX_BODY = 256 * 1024 * 1024


def need_safe_parser(modules: Mapping[str, Any] = sys.modules) -> None:
    """Refuse to listen with aiohttp's pure-Python parser, which takes requests that the C parser refuses: when two read
    one request differently, another can be smuggled behind it. MODULES: those that are loaded. Raises ConfigError.
    """
    if "aiohttp._http_parser" not in modules:
        raise ConfigError(phrase("check.no_parser_start", python=sys.executable))


class Sandbox:
    """A provider of its own, in this process. `await start()` gives its base URL."""

    def __init__(
        self,
        settings: SandboxSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings or SandboxSettings()
        self.seen: list[Seen] = []
        """What came, oldest first; at most `settings.keep`."""
        self._clock = clock
        self._wall = wall
        self._runner: web.AppRunner | None = None
        self._stopping = False
        self.reset()

    def __repr__(self) -> str:
        running = sum(meter.running for meter in self._meters.values())
        return f"<Sandbox {self.settings.shape}: {len(self.seen)} seen, {self.accepted} accepted, {running} running>"

    async def start(self, host: str = "127.0.0.1", port: int = 0, path: str | Path | None = None) -> str:
        """Listen on HOST and PORT (0: any free one), or on the Unix socket PATH; return the base URL.

        Over a Unix socket the URL is `http://localhost`, for a client that connects to PATH. Raises OSError when the
        address is taken, ConfigError where aiohttp is not whole.
        """
        need_safe_parser()
        self._stopping = False
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{rest:.*}", self._handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, auto_decompress=False, shutdown_timeout=0.2
        )
        self._runner = runner
        await runner.setup()
        if path is not None:
            await web.UnixSite(runner, str(path)).start()
            return "http://localhost"
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        return f"http://{host}:{bound[1]}"

    async def stop(self) -> None:
        """Stop listening and drop what is being answered. May be called twice."""
        self._stopping = True
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def reset(self) -> None:
        """Forget what was seen and used."""
        self.seen.clear()
        self.accepted = 0
        """Calls that the limits let in."""
        self._meters: dict[str, Meter] = {}
        self._tries = tricks.Tries()
        self._random = random.Random(self.settings.seed)  # noqa: S311
        self._number = 0

    def change(self, **changes: object) -> None:
        """Go on with other settings and fresh limits, as after a change of tier. Raises TypeError or ValueError."""
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        self._meters = {}

    def counts(self) -> dict[str, int]:
        """How many requests got which status; `none` for those that got no answer."""
        return dict(Counter(str(seen.status) if seen.status else "none" for seen in self.seen))

    @property
    def foreign(self) -> int:
        """Calls of the other user (`foreign_share`) that were let in."""
        return sum(meter.foreign for meter in self._meters.values())

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.raw_path.startswith("/_sandbox/"):
            return await control.answer(self, request)
        seen = Seen(request.method, request.raw_path, tuple(request.raw_headers), self._clock())
        self.seen.append(seen)
        del self.seen[: -self.settings.keep]
        exchange: Exchange | None = None
        try:
            seen.body = await request.read()
            exchange = self._exchange(request, seen)
            return await self._answer(exchange)
        except (asyncio.CancelledError, ConnectionError, ClientPayloadError):
            ours = self._stopping or (exchange is not None and exchange.hung_up)
            seen.closed_by_client = not ours and not seen.finished
            raise
        finally:
            seen.ended = self._clock()

    def _exchange(self, request: web.Request, seen: Seen) -> Exchange:
        headers = {name.lower(): value for name, value in request.headers.items()}
        question = read(seen.method, seen.target, headers, seen.body)
        seen.api, seen.kind, seen.model = question.api, question.kind, question.model
        seen.account = account(self.settings, headers, seen.target, question.model)
        self._number += 1
        request_id = f"req_{self._number:04d}{self._random.getrandbits(48):012x}"
        return Exchange(request, seen, question, DIALECTS[question.api], request_id, self.settings, self._wall)

    async def _answer(self, x: Exchange) -> web.StreamResponse:
        """The whole story of one request."""
        question = x.question
        if not question.costs:
            return await self._free(x)
        if question.body is None or not question.model:
            detail = _NO_JSON if question.body is None else _NO_MODEL
            return await self._refuse(x, Trouble("bad-request", detail=detail))
        if question.api == "openai" and (wrong := too_much(question)) is not None:
            return await self._refuse(x, Trouble("bad-request", detail=wrong))
        name, trick, once = tricks.find(question.model)
        if trick is not None:
            trouble = tricks.trouble(name, trick, self.settings)
            left = self._tries.left_s(same(x.seen), trick, once, trouble.wait_s, self._clock())
            if left is None:
                trick = None
            elif trick.form == "page":
                return await self._page(x, name)
            elif trick.form == "":
                return await self._refuse(x, replace(trouble, wait_s=left or None))
        return await self._metered(x, name if trick is not None else None)

    async def _free(self, x: Exchange) -> web.StreamResponse:
        """What costs nothing: lists of models, counts of tokens, unknown paths."""
        if x.question.kind == "count_tokens":
            return await x.send(200, x.body())
        if x.question.kind == "models":
            last = x.seen.target.partition("?")[0].rsplit("/", 1)[1]
            body = x.dialect.models(tricks.names(), None if last == "models" else last)
            if body is not None:
                return await x.send(200, body)
        path = x.seen.target.partition("?")[0]
        return await self._refuse(x, Trouble("no-path", detail=f"Invalid URL ({x.seen.method} {path})"))

    async def _metered(self, x: Exchange, play: str | None) -> web.StreamResponse:
        """Pass the limits, then answer."""
        settings = self.settings
        if settings.quota_after is not None and self.accepted >= settings.quota_after:
            return await self._refuse(x, Trouble("insufficient-quota"))
        now = self._clock()
        meter = self._meters.get(x.seen.account) or self._meters.setdefault(x.seen.account, Meter(settings, now))
        cost = cost_of(x.question)
        trouble = meter.admit(cost, now)
        x.stamp(self._limit_headers(x, meter, now))
        if trouble is not None:
            return await self._refuse(
                x,
                replace(trouble, kind="bare", wait_s=None) if settings.bare_429 and trouble.kind == "rate" else trouble,
            )
        self.accepted += 1
        x.seen.admitted, x.seen.cost = now, cost.of("tokens")
        try:
            return await self._serve(x, meter, play)
        finally:
            meter.settle(cost, x.produced, now, self._clock())
            meter.leave()

    async def _serve(self, x: Exchange, meter: Meter, play: str | None) -> web.StreamResponse:
        """Take the service time, then succeed or fail."""
        settings = self.settings
        fault = self._fault()
        spread = settings.jitter * self._random.uniform(-1, 1)
        await asyncio.sleep(settings.service_s * (1 + spread))
        if settings.header_quirk == "stamped_at_end":
            x.stamp(self._limit_headers(x, meter, self._clock()))
        if play is not None:
            x.seen.trouble = play
            return await PLAYS[play](x)
        if fault == 0:
            x.seen.trouble = "reset"
            return await reset(x)
        if fault is not None:
            return await self._refuse(x, Trouble("overloaded" if fault in _FAULTS else "server-error"), status=fault)
        return await x.succeed()

    def _fault(self) -> int | None:
        """Draw a status, 0 for a reset, or None for no fault."""
        draw = self._random.random()
        for status, rate in ((0, self.settings.reset_rate), *self.settings.faults.items()):
            if draw < rate:
                return status
            draw -= rate
        return None

    async def _refuse(self, x: Exchange, trouble: Trouble, status: int | None = None) -> web.StreamResponse:
        x.seen.trouble = trouble.kind
        if trouble.kind == "bare":
            x.limit_headers = []
        refused = x.dialect.refuse(trouble, x.question, x.moment(), x.request_id)
        if not self.settings.retry_after:
            refused = replace(
                refused, headers=[field for field in refused.headers if not field[0].startswith("retry-after")]
            )
        return await x.refuse(refused if status is None else replace(refused, status=status))

    async def _page(self, x: Exchange, name: str) -> web.StreamResponse:
        page = PAGES[name]
        x.seen.trouble = name
        return await x.send(page.status, page.body, page.content_type, list(page.headers))

    def _limit_headers(self, x: Exchange, meter: Meter, now: float) -> Fields:
        settings = self.settings
        if not settings.headers:
            return []
        standings = shown(meter.standing(now), settings.header_quirk, settings.slices)
        return x.dialect.limit_headers(standings, x.moment(), settings.day_in_headers)
