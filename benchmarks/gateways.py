"""What a call pays for going through Sluice, beside no gateway, nginx, a bare aiohttp, LiteLLM and Portkey, in one run.

    python benchmarks/gateways.py                                 everything; about 20 minutes
    python benchmarks/gateways.py --parts calls --contenders direct,plain,sluice --rounds 5
    python benchmarks/gateways.py --long 100000                   and how memory grows over so many calls
    python benchmarks/gateways.py --json found.json               merge into this file, and show all that is in it
    python benchmarks/gateways.py --show found.json               only show it
    python benchmarks/gateways.py --show found.json --write       its table into README.md, its picture into doc/

All contenders stand in front of one provider that answers canned bytes, and are called in rounds by one load client.
What counts are ratios within a round, their median and their spread. Exit status 1: Sluice missed a bound.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.race.processes import Folder  # noqa: E402
from benchmarks.toll import commands, growth, plot, rounds, table  # noqa: E402
from benchmarks.toll.bounds import bounds  # noqa: E402
from benchmarks.toll.contenders import CONTENDERS  # noqa: E402
from benchmarks.toll.cores import apart  # noqa: E402
from benchmarks.toll.found import Found, read  # noqa: E402

PARTS = ("calls", "start", "cli", "growth", "idle")
APART = ("calls", "growth")
"""Parts in which gateways have processors of their own."""
PICTURE = ROOT / "doc" / "pictures" / "gateways.svg"


def parser() -> argparse.ArgumentParser:
    """The flags."""
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    out.add_argument("--contenders", default=",".join(CONTENDERS), help=f"of {', '.join(CONTENDERS)}")
    out.add_argument("--rounds", type=int, default=7, help="rounds of calls; the other parts have their own number")
    out.add_argument("--long", type=int, default=0, help="calls after which the growth of memory is looked at")
    out.add_argument("--quick", action="store_true", help="a hundredth of it, to see whether it runs")
    out.add_argument("--anywhere", action="store_true", help="let the system choose who runs on which processor")
    out.add_argument("--json", type=Path, help="merge what was measured into this file")
    out.add_argument("--show", type=Path, help="measure nothing, show such a file")
    out.add_argument("--write", action="store_true", help="write the table into README.md, and the picture")
    return out


def chosen(names: str, known: Sequence[str]) -> list[str]:
    """The NAMES, in their proper order. Raises SystemExit for one that is not known."""
    if wrong := [name for name in names.split(",") if name not in known]:
        raise SystemExit(f"{wrong[0]!r} is not known; there are: {', '.join(known)}")
    return [name for name in known if name in names.split(",")]


def size_of(arguments: argparse.Namespace) -> rounds.Size:
    """How much is measured."""
    whole = replace(rounds.Size(), rounds=arguments.rounds, long_calls=arguments.long)
    if not arguments.quick:
        return whole
    return replace(whole, rounds=2, calls=30, seconds=0.3, connections=10, streams=1, streams_at_once=5, chunks=20,
                   large=2, warm_up=20, memory_calls=100)  # fmt: skip


async def measure(arguments: argparse.Namespace, found: Found) -> None:
    """Put what is asked for into FOUND, in place of what was there. A signal ends it, and all that it has started."""
    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel if task else sys.exit)
    parts = chosen(arguments.parts, PARTS)
    names = chosen(arguments.contenders, tuple(CONTENDERS))
    ours = [name for name in ("sluice", "sluice-speed") if name in names and not CONTENDERS[name].missing()]
    quick = arguments.quick
    little = growth.Much((1, 100), (0, 1, 20), (1, 20), rounds=2, calls=20)
    found.about = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
    for part in parts:
        with Folder() as folder, apart() if part in APART and not arguments.anywhere else nullcontext():
            match part:
                case "calls":
                    found.results = await rounds.measure(
                        [CONTENDERS[name] for name in names], size_of(arguments), folder
                    )
                    found.long_calls = arguments.long
                case "start":
                    found.starts = await commands.starts(folder, 1 if quick else 11, ours)
                case "cli":
                    found.commands = await commands.commands(folder, 1 if quick else 15)
                case "growth":
                    found.growth = await growth.measure(little if quick else growth.Much(), folder)
                case _:
                    lasts = (2.0, 0.5) if quick else (120.0, commands.SETTLE_S)
                    found.wake_ups = await commands.wake_ups(folder, ours, *lasts)
        if arguments.json:
            found.save(arguments.json)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 1 if Sluice missed a bound."""
    arguments = parser().parse_args(argv)
    found = read(arguments.show or arguments.json) if arguments.show or arguments.json else Found()
    if not arguments.show:
        try:
            run(measure(arguments, found))
        except asyncio.CancelledError:
            return 130
    print(table.everything(found))
    if arguments.write:
        table.write(found)
        plot.draw(found, PICTURE)
    return 0 if all(bound.ok for bound in bounds(found)) else 1


def run(coroutine: object) -> None:
    """On uvloop where it is installed: the load client should cost little."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(coroutine)  # type: ignore[arg-type]
    else:
        uvloop.run(coroutine)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
