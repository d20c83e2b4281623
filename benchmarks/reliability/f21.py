"""F21: hostile requests to the daemon as a process, whole and byte by byte: the expected answer, none sent on."""

from __future__ import annotations

import asyncio
import json

from benchmarks.reliability.figure import Figure, count
from benchmarks.reliability.raw import Visit, each, stand
from doors.wire import trickle  # tests/ is in the path since benchmarks.reliability.raw
from hostile.test_http import KEY, REFUSED, Case

SHORT = 0.1


async def silent(visit: Visit) -> None:
    """Nobody should come here."""
    await visit.reader.read()


def right(case: Case, got: bytes) -> bool:
    """True for the expected status, an error of ours, and no echo of the key."""
    head, _, body = got.partition(b"\r\n\r\n")
    try:
        kind = json.loads(body)["error"]["type"]
        return int(head.split(b" ")[1]) in case.status and kind == case.kind and KEY.encode() not in got
    except (ValueError, KeyError, IndexError):
        return False


def measure(scale: float) -> Figure:
    """All cases of the table that are refused; at a small scale every so manieth."""
    cases = REFUSED[:: max(1, len(REFUSED) // count(len(REFUSED), scale))]
    jobs = [(case, at_once) for case in cases for at_once in (True, False) if at_once or len(case.data) < 25_000]

    async def run() -> tuple[list[str], int]:
        async with stand(silent, more="timeouts: {body: 200ms}\nmax_body: 1MiB\n") as place:

            async def one(number: int) -> str:
                case, at_once = jobs[number]
                got = await trickle(place.daemon.socket, case.data, at_once=at_once)
                return "" if right(case, got) else f"{case.row} {case.name}{'' if at_once else ' in bytes'}"

            found = await each(one, range(len(jobs)), 4)
            return [name for name in found if name], len(place.provider.visits)

    wrong, sent_on = asyncio.run(run())
    shown = f" ({'; '.join(wrong[:3])})" if wrong else ""
    return Figure(
        "F21",
        f"{len(jobs)} hostile requests, in one piece and byte by byte",
        "the expected answer to each, none sent on",
        f"{len(jobs) - len(wrong)} as expected{shown}; {sent_on} sent on",
        ok=not wrong and not sent_on,
    )
