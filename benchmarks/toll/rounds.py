"""The main table: all contenders in front of one provider, one after the other in each round, all figures in each."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.toll.caller import Refused, load, quantile
from benchmarks.toll.contenders import Contender, Provider, Running, start

DONE = b"[DONE]"
MEGABYTE = "word " * 200_000
NO_STREAMS = "streams do not work"

Figures = dict[str, float]
"""Names with their units: p50_ms, per_s, ... ; what a contender cannot do is not in it."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured in one round."""

    rounds: int = 7
    calls: int = 400
    """One after the other."""
    seconds: float = 2.0
    """At 50 at once."""
    connections: int = 50
    streams: int = 7
    """One after the other."""
    streams_at_once: int = 100
    chunks: int = 200
    gap_ms: float = 5.0
    large: int = 15
    """Calls with a megabyte."""
    warm_up: int = 300
    memory_calls: int = 5000
    long_calls: int = 0
    """After these, how much memory has grown; 0: not measured."""


@dataclass(slots=True)
class Results:
    """All that was measured."""

    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    """Of each contender, a set of figures for each round."""
    once: dict[str, Figures] = field(default_factory=dict)
    """Of each contender, what is measured once."""
    notes: dict[str, str] = field(default_factory=dict)
    """Of those that did not take part, or not in all: why."""


def tell(text: str) -> None:
    """Say on stderr how far it is."""
    print(text, file=sys.stderr, flush=True)


async def measure(contenders: Sequence[Contender], size: Size, folder: Path) -> Results:
    """Start PROVIDER and CONTENDERS, and measure SIZE.rounds rounds. Those that do not start are noted."""
    results = Results()
    provider = Provider(folder / "provider", size.chunks, size.gap_ms)
    await provider.start()
    running: list[Running] = []
    try:
        for contender in contenders:
            if contender.missing():
                results.notes[contender.name] = f"not installed: `{contender.install}`"
                continue
            try:
                running.append(await start(contender, folder / contender.name, provider.port))
            except Refused as refused:
                results.notes[contender.name] = f"did not start: {refused}"
        for one in list(running):
            try:
                await prepare(one, size, results)
            except Refused as refused:
                results.notes[one.contender.name] = f"gave up: {str(refused)[:120]}"
                running.remove(one)
                await one.stop()
        for number in range(size.rounds):
            for one in running:
                tell(f"round {number + 1} of {size.rounds}: {one.contender.name}")
                results.rounds.setdefault(one.contender.name, []).append(await figures(one, size, results))
    finally:
        for one in running:
            await one.stop()
        await provider.stop()
    return results


async def prepare(one: Running, size: Size, results: Results) -> None:
    """Memory before and after many calls; the calls are the warm-up, too."""
    tell(f"warm-up: {one.contender.name}")
    found = results.once.setdefault(one.contender.name, {})
    requests = [one.place.request()]
    if one.program is None:
        await load(one.place, requests, calls=size.warm_up)
        return
    found["start_s"] = one.started_s
    found["idle_mib"] = one.program.resident()
    await load(one.place, requests, calls=size.warm_up)
    if size.memory_calls:
        await load(one.place, requests, calls=size.memory_calls, connections=size.connections)
        found["after_calls_mib"] = one.program.resident()
    if size.long_calls and one.contender.kind == "sluice":
        await load(one.place, requests, calls=size.long_calls, connections=size.connections)
        found["after_many_mib"] = one.program.resident()
    await try_streams(one, size, results)


async def try_streams(one: Running, size: Size, results: Results) -> None:
    """Some streams as warm-up; whoever cannot stream is noted."""
    try:
        await load(one.place, [one.place.request(stream=True)], calls=8, connections=8, whole=DONE)
    except Refused as refused:
        results.notes[one.contender.name] = f"{NO_STREAMS}: {str(refused)[:120]}"


async def figures(one: Running, size: Size, results: Results) -> Figures:
    """One round of one contender."""
    found: Figures = {}
    for step in (in_a_row, many, streams, at_once, large):
        if step in (streams, at_once) and results.notes.get(one.contender.name, "").startswith(NO_STREAMS):
            continue
        try:
            found |= await step(one, size)
        except Refused as refused:
            results.notes.setdefault(one.contender.name, f"failed at `{step.__name__}`: {str(refused)[:120]}")
            said = one.program.output() if one.program else ""
            tell(f"{one.contender.name} failed at {step.__name__}: {refused}\n{said}")
    return found


async def in_a_row(one: Running, size: Size) -> Figures:
    """One call after the other over one connection; and what it costs in processor time."""
    await load(one.place, [one.place.request()], calls=20)
    before = one.program.processor_s() if one.program else 0.0
    found = await load(one.place, [one.place.request()], calls=size.calls)
    used = one.program.processor_s() - before if one.program else 0.0
    p50, p99 = (quantile(found.seconds, part) * 1000 for part in (0.5, 0.99))
    return {"p50_ms": p50, "p99_ms": p99, "processor_ms": used / size.calls * 1000}


async def many(one: Running, size: Size) -> Figures:
    """Many connections that each send their next call at once."""
    found = await load(one.place, [one.place.request()], connections=size.connections, seconds=size.seconds)
    return {"per_s": len(found.seconds) / found.elapsed, "many_p99_ms": quantile(found.seconds, 0.99) * 1000}


async def streams(one: Running, size: Size) -> Figures:
    """Streams one after the other: the time to the first event, and to the end."""
    found = await load(one.place, [one.place.request(stream=True)], calls=size.streams, whole=DONE)
    return {"first_ms": quantile(found.first, 0.5) * 1000, "stream_ms": quantile(found.seconds, 0.5) * 1000}


async def at_once(one: Running, size: Size) -> Figures:
    """All streams at the same time: the time to the last first event, and to the end of all."""
    count = size.streams_at_once
    found = await load(one.place, [one.place.request(stream=True)], calls=count, connections=count, whole=DONE)
    return {"at_once_first_ms": max(found.first) * 1000, "at_once_ms": max(found.seconds) * 1000}


async def large(one: Running, size: Size) -> Figures:
    """A prompt of a megabyte."""
    found = await load(one.place, [one.place.request(prompt=MEGABYTE)], calls=size.large)
    return {"large_ms": quantile(found.seconds, 0.5) * 1000}


Step = Callable[[Running, Size], Awaitable[Figures]]


def each(results: Results, name: str, figure: str) -> list[float | None]:
    """The FIGURE of contender NAME, round by round."""
    return [found.get(figure) for found in results.rounds.get(name, [])]


def over_rounds(results: Results, made_of: Mapping[str, tuple[str, str]], make: Callable[..., float]) -> list[float]:
    """MAKE in each round from figures of that same round; MADE_OF: argument to (contender, figure)."""
    columns = {argument: each(results, *where) for argument, where in made_of.items()}
    rows = zip(*columns.values(), strict=False)
    return [make(**dict(zip(columns, row, strict=True))) for row in rows if None not in row]
