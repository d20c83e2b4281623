"""What a call costs when much has been kept, when many wait, and when many ask: Sluice against itself, empty.

All daemons of a series run at the same time, and the rounds go through them, so that a machine that is slow for a
while is slow for all.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.toll.caller import Refused, load, quantile
from benchmarks.toll.contenders import CONTENDERS, HOST, Provider, Running, make_folder, start
from benchmarks.toll.prefill import prefill
from benchmarks.toll.rounds import tell

SETTLE_S = 2.0
WAITING_S = 60.0
A_CONNECTION = 500
"""Calls on one connection; the daemon works on at most a thousand of them."""
CONFIG = """journal: {max_bytes: 8GiB}
max_connections: 1000
"""
STUCK = '  limits: [{concurrency: 1, model: "stuck"}]\n'

Rounds = list[float]


@dataclass(frozen=True, slots=True)
class Much:
    """How much of each: the first of each series is what the others are compared with."""

    rows: tuple[int, ...] = (1, 10_000, 1_000_000)
    waiting: tuple[int, ...] = (0, 1, 1000, 10_000)
    clients: tuple[int, ...] = (1, 100, 10_000)
    rounds: int = 9
    calls: int = 300


async def measure(much: Much, folder: Path) -> dict[str, dict[str, Rounds]]:
    """The median time of a call in ms, for each series, level and round."""
    provider = Provider(folder / "provider", 2, 1.0)
    await provider.start()
    try:
        return {
            name: await series(name, levels, much, folder, provider.port)
            for name, levels in (("rows", much.rows), ("waiting", much.waiting), ("clients", much.clients))
        }
    finally:
        await provider.stop()


async def series(name: str, levels: Sequence[int], much: Much, folder: Path, port: int) -> dict[str, Rounds]:
    """One series: a daemon for each level, and rounds over them."""
    found: dict[str, Rounds] = {str(level): [] for level in levels}
    async with AsyncExitStack() as stack:
        running = []
        for level in levels:
            tell(f"growth: {level} {name}")
            place = folder / f"{name}{level}"
            running.append((level, await _PREPARE[name](level, place, port, stack)))
        await asyncio.sleep(SETTLE_S)
        for number in range(much.rounds):
            # Every other round backwards: nobody always comes after the same one.
            for level, one in running if number % 2 == 0 else reversed(running):
                requests = asked_by(one, level if name == "clients" else 1)
                load_ = await load(one.place, requests, calls=much.calls)
                found[str(level)].append(quantile(load_.seconds, 0.5) * 1000)
    return found


def asked_by(one: Running, clients: int) -> list[bytes]:
    """Requests from so many clients."""
    if clients == 1:
        return [one.place.request()]
    return [one.place.request(client=f"client{number}") for number in range(clients)]


async def _sluice(place: Path, port: int, stack: AsyncExitStack, more: str = "") -> Running:
    one = await start(CONTENDERS["sluice"], place, port, more + CONFIG)
    stack.push_async_callback(one.stop)
    await load(one.place, [one.place.request()], calls=300)
    return one


async def _with_rows(rows: int, place: Path, port: int, stack: AsyncExitStack) -> Running:
    make_folder(place)
    await asyncio.to_thread(prefill, place / "state", rows)
    return await _sluice(place, port, stack)


async def _with_waiting(waiting: int, place: Path, port: int, stack: AsyncExitStack) -> Running:
    """The calls that wait are for another model, of which one is let in and never answered; the key is the same."""
    one = await _sluice(place, port, stack, STUCK)
    address = one.place.address
    if not isinstance(address, str):
        raise TypeError("Sluice listens on a socket")
    calls = range(waiting + 1 if waiting else 0)
    for first in calls[::A_CONNECTION]:
        await _send_stuck(address, calls[first : first + A_CONNECTION], stack)
    await _until_waiting(address, waiting)
    return one


async def _send_stuck(address: str, numbers: Sequence[int], stack: AsyncExitStack) -> None:
    """Hand calls over on a connection of their own, which stays open."""
    reader, writer = await asyncio.open_unix_connection(address)
    stack.callback(writer.close)
    drain = asyncio.create_task(_read_away(reader))
    stack.callback(drain.cancel)
    for number in numbers:
        writer.write(json.dumps(stuck_call(number)).encode() + b"\n")
        await writer.drain()


def stuck_call(number: int) -> Mapping[str, Any]:
    """A call by JSON-RPC whose model is `stuck`: hundreds of them fit into one connection."""
    body = json.dumps({"model": "stuck", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]})
    headers = {"Authorization": "Bearer CANARY-toll", "Content-Type": "application/json"}
    params = {"url": f"http://{HOST}/v1/chat/completions", "method": "POST", "headers": headers, "body": body}
    return {"jsonrpc": "2.0", "id": number, "method": "call", "params": params}


async def _until_waiting(address: str, waiting: int) -> None:
    """Ask until so many wait. Raises Refused after a minute."""
    reader, writer = await asyncio.open_unix_connection(address, limit=1 << 26)
    found = -1
    try:
        for _ in range(int(WAITING_S / 0.2)):
            writer.write(b'{"jsonrpc":"2.0","id":1,"method":"queue"}\n')
            answer = json.loads(await reader.readline())
            found = len(answer["result"]["queue"])
            if found >= waiting:
                return
            await asyncio.sleep(0.2)
    finally:
        writer.close()
    raise Refused(f"{found} wait, and not {waiting}")


async def _read_away(reader: asyncio.StreamReader) -> None:
    while await reader.read(1 << 16):
        pass


async def _with_clients(clients: int, place: Path, port: int, stack: AsyncExitStack) -> Running:
    one = await _sluice(place, port, stack)
    await load(one.place, asked_by(one, clients), calls=clients, connections=20)
    return one


_PREPARE: Mapping[str, Callable[[int, Path, int, AsyncExitStack], Awaitable[Running]]] = {
    "rows": _with_rows, "waiting": _with_waiting, "clients": _with_clients,
}  # fmt: skip
