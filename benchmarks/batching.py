"""How much sooner many small embeddings calls are answered when those that wait go as one request.

    python benchmarks/batching.py                      # 1,000 calls against 60 requests a minute that lasts 15 s
    python benchmarks/batching.py --calls 3000 --tokens 40000 --shape fixed

The real daemon and the sandbox provider, each a process of its own; one client that hands over all calls at once, each
with a text of its own. Once as it is by default, and once with `batch: {embeddings: true}`. The exit status is 1 when
a call got no answer or another one's, or when it was not at least 20 times faster with requests as the only limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.race.processes import Daemon, Folder, Simulator
from daemon.sandbox.openai_arrays import vector_of
from daemon.sandbox.settings import SHAPES, SandboxSettings

HOST = "provider.test"
KEY = "CANARY-benchmark-batching"
LEAST_GAIN = 20.0


@dataclass(frozen=True)
class Result:
    """One run."""

    seconds: float
    requests: int
    """That the provider got."""
    refused: int
    wrong: int
    """Calls that got no answer, or not their own."""
    tokens: int
    """That the clients were told, all together."""


async def run(options: argparse.Namespace, *, batched: bool) -> Result:
    """Start everything on an empty home, send all calls, and ask the provider what it saw."""
    settings = SandboxSettings(
        requests_per_minute=options.requests, tokens_per_minute=options.tokens, minute_s=options.minute,
        service_s=0.2 * options.minute / 6, shape=options.shape,
    )  # fmt: skip
    with Folder() as provider_home, Folder() as home:
        provider = Simulator(settings, provider_home)
        await provider.start()
        daemon = Daemon(config(provider.url, options.minute, batched=batched), home)
        await daemon.start()
        try:
            seconds, wrong, tokens = await all_calls(daemon.socket, options.calls)
            seen = await provider.seen()
        finally:
            await daemon.stop()
            await provider.stop()
    return Result(seconds, len(seen), sum(one["status"] == 429 for one in seen), wrong, tokens)


def config(url: str, minute_s: float, *, batched: bool) -> str:
    """The daemon's config.yaml."""
    return (
        f"max_connections: 5000\nbatch: {{embeddings: {str(batched).lower()}}}\nqueue: {{max_wait: 1h}}\nupstreams:\n"
        f"- {{host: {HOST}, url: '{url}', provider: openai, minute: {minute_s * 1000:.0f}ms}}\n"
    )


async def all_calls(socket: Path, calls: int) -> tuple[float, int, int]:
    """(seconds, calls with a wrong answer, tokens told) for so many calls at once."""
    connector = aiohttp.UnixConnector(str(socket), limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout()) as session:
        began = time.perf_counter()
        told = await asyncio.gather(*(one(session, i) for i in range(calls)))
        seconds = time.perf_counter() - began
    return seconds, sum(tokens is None for tokens in told), sum(tokens or 0 for tokens in told)


async def one(session: aiohttp.ClientSession, number: int) -> int | None:
    """The tokens that the answer to one call tells; None when it is not the answer to its text.

    Who finds the socket's line of connections full (a client's event loop takes that for a reset) knocks again.
    """
    text = f"small text number {number}"
    while True:
        try:
            return await _asked(session, text)
        except aiohttp.ClientOSError:
            await asyncio.sleep(0.02)


async def _asked(session: aiohttp.ClientSession, text: str) -> int | None:
    body = {"model": "text-embedding-3-small", "input": text}
    headers = {"Authorization": f"Bearer {KEY}"}
    async with session.post(f"http://{HOST}/v1/embeddings", json=body, headers=headers) as answer:
        document: dict[str, Any] = json.loads(await answer.read())
    rows = document.get("data") or []
    good = [row["embedding"] for row in rows] == [vector_of(text)] and rows[0]["index"] == 0
    return int(document["usage"]["prompt_tokens"]) if good else None


def main() -> int:
    """Run both, print a table, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--requests", type=float, default=60, help="of the provider's limit, a minute")
    parser.add_argument("--tokens", type=float, default=None, help="the same for tokens; default none")
    parser.add_argument("--minute", type=float, default=15.0, help="seconds that a minute lasts")
    parser.add_argument("--shape", choices=SHAPES, default="bucket", help="how the provider counts")
    options = parser.parse_args()
    results = {how: asyncio.run(run(options, batched=how == "together")) for how in ("alone", "together")}
    print(f"{options.calls} calls, {options.requests:g} requests a minute of {options.minute:g} s, {options.shape}")
    print(
        "| | seconds | minutes of the provider | requests | 429s | wrong | tokens told |\n|---|---|---|---|---|---|---|"
    )
    for how, result in results.items():
        minutes = result.seconds / options.minute
        figures = (
            f"{result.seconds:.2f}",
            f"{minutes:.2f}",
            result.requests,
            result.refused,
            result.wrong,
            result.tokens,
        )
        print(f"| {how} | {' | '.join(map(str, figures))} |")
    gain = results["alone"].seconds / results["together"].seconds
    print(f"{gain:.0f} times sooner")
    bad = any(result.wrong for result in results.values()) or (options.tokens is None and gain < LEAST_GAIN)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
