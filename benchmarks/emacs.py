"""What Sluice costs in Emacs: real gptel direct and through Sluice, interleaved, in one run; and how long Emacs blocks.

    python benchmarks/emacs.py                                   100 pairs of calls, 3 streams of 5,000 deltas
    python benchmarks/emacs.py --pairs 20 --deltas 500

Needs what .ci/install-emacs.sh puts in place. The provider is the sandbox on the loopback over plain http, so the
direct way has no TLS to do: whatever Sluice adds is seen whole. Exit status 1: a bound was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.race.processes import Daemon, Folder, Simulator  # noqa: E402
from daemon.sandbox.settings import SandboxSettings  # noqa: E402

ADDED_MS = 5.0
"""What Sluice may add to the first character: the median of the differences."""
BLOCKED_MS = 50.0
"""The longest time for which Emacs may handle no event while an answer streams in."""


@dataclass(frozen=True)
class Figures:
    """What one Emacs has measured. Times in milliseconds."""

    versions: str
    direct: Sequence[float]
    routed: Sequence[float]
    """Of the same calls, in the same order."""
    blocked: Sequence[float]
    """The longest turn of each stream."""
    idle: Sequence[float]
    """The longest turn while there was nothing to do, just before each stream."""
    words: Sequence[int]
    """How many words each stream has brought."""

    @property
    def added(self) -> list[float]:
        """What the way through Sluice took longer, call by call."""
        return [through - direct for direct, through in zip(self.direct, self.routed, strict=True)]


def parser() -> argparse.ArgumentParser:
    """The flags."""
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--pairs", type=int, default=100, help="calls of each way; they take turns in being first")
    out.add_argument("--streams", type=int, default=3)
    out.add_argument("--deltas", type=int, default=5000, help="pieces of each stream, as the provider sends them")
    return out


def installed() -> dict[str, str]:
    """Where .ci/install-emacs.sh has put things, as .ci/env.sh tells."""
    script = '. "$0" && env -0'
    run = subprocess.run(["bash", "-c", script, str(ROOT / ".ci" / "env.sh")], capture_output=True, check=True)
    return dict(entry.partition("=")[::2] for entry in run.stdout.decode().split("\0") if entry)


async def measure(emacs: str, gptel: Sequence[str], pairs: int, streams: int, deltas: int) -> Figures:
    """Start provider, daemon and Emacs, and read what it prints. Raises RuntimeError when it fails."""
    with Folder() as folder:
        for name in ("provider", "daemon", "home"):
            (folder / name).mkdir(mode=0o700)
        settings = SandboxSettings(requests_per_minute=None, tokens_per_minute=None, service_s=0.0, chunk_s=0.001)
        provider = Simulator(settings, folder / "provider")
        await provider.start()
        daemon = Daemon(
            f"upstreams:\n- {{host: api.groq.com, url: '{provider.url}', provider: groq}}\n", folder / "daemon"
        )
        try:
            await daemon.start()
            return await _emacs(emacs, gptel, folder / "home", {
                "BENCH_PROVIDER": provider.url.removeprefix("http://"), "BENCH_PAIRS": str(pairs),
                "BENCH_STREAMS": str(streams), "BENCH_DELTAS": str(deltas), "SLUICE_SOCKET": str(daemon.socket),
            })  # fmt: skip
        finally:
            await daemon.stop()
            await provider.stop()


async def _emacs(emacs: str, gptel: Sequence[str], home: Path, told: dict[str, str]) -> Figures:
    search = [part for directory in (*gptel, str(ROOT / "elisp")) for part in ("-L", directory)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **told}
    process = await asyncio.create_subprocess_exec(
        emacs, "-Q", "--batch", *search, "-l", str(ROOT / "benchmarks" / "emacs.el"), env=environment, cwd=home,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, complaints = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"Emacs has failed:\n{complaints.decode(errors='replace')[-3000:]}")
    return read([json.loads(line) for line in printed.decode().splitlines() if line.startswith("{")])


def read(rows: Sequence[dict[str, Any]]) -> Figures:
    """The figures in the lines that Emacs has printed."""
    first = next(row for row in rows if "emacs" in row)
    return Figures(
        versions=f"Emacs {first['emacs']}, {first['gptel']}",
        direct=[row["direct"] for row in rows if "direct" in row],
        routed=[row["routed"] for row in rows if "routed" in row],
        blocked=[row["blocked"] for row in rows if "blocked" in row],
        idle=[row["idle"] for row in rows if "idle" in row],
        words=[row["words"] for row in rows if "words" in row],
    )


def spread(times: Sequence[float]) -> tuple[float, float, float]:
    """The tenth, the median and the ninetieth of a hundred."""
    tenths = quantiles(times, n=10, method="inclusive")
    return tenths[0], median(times), tenths[-1]


def table(figures: Figures) -> str:
    """The figures for people."""
    lines = [
        f"{figures.versions}, {len(figures.direct)} pairs of calls",
        "",
        f"{'ms':34}{'p10':>8}{'p50':>8}{'p90':>8}",
    ]
    for title, times in (
        ("send to first character, direct", figures.direct),
        ("send to first character, Sluice", figures.routed),
        ("added by Sluice, pair by pair", figures.added),
    ):
        lines.append(f"{title:34}" + "".join(f"{one:8.1f}" for one in spread(times)))
    lines += ["", f"longest block of Emacs in a stream of {max(figures.words)} words, ms; idle just before"]
    lines += [f"  {one:8.1f}{idle:8.1f}" for one, idle in zip(figures.blocked, figures.idle, strict=True)]
    return "\n".join(lines)


def missed(figures: Figures) -> list[str]:
    """The bounds that were missed, in words."""
    added, blocked = spread(figures.added)[1], max(figures.blocked)
    wrong = []
    if added > ADDED_MS:
        wrong.append(f"{added:.1f} ms were added to the first character, at most {ADDED_MS:g} should be")
    if blocked > BLOCKED_MS:
        wrong.append(f"Emacs was blocked for {blocked:.1f} ms, at most {BLOCKED_MS:g} should be")
    return wrong


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a bound was missed, 2 when something is not installed."""
    flags = parser().parse_args(argv)
    found = installed()
    emacs, gptel = found.get("SLUICE_EMACS_30"), found.get("SLUICE_GPTEL_PATH", "").split(os.pathsep)
    if not emacs or not gptel[0] or not shutil.which("curl"):
        print("Emacs 30, gptel or curl is missing; install it with: .ci/install-emacs.sh", file=sys.stderr)
        return 2
    figures = asyncio.run(measure(emacs, gptel, flags.pairs, flags.streams, flags.deltas))
    print(table(figures))
    wrong = missed(figures)
    print(*wrong, sep="\n", end="\n" * bool(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
