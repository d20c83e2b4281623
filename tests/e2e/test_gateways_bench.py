"""The benchmark of gateways, in a short form: real processes, one load client, and figures that can be right. The full
one is `python benchmarks/gateways.py`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import statistics
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.gateways import chosen, main
from benchmarks.race.processes import Folder
from benchmarks.toll import commands, growth, plot, rounds, table
from benchmarks.toll.bounds import Bound, added_ratio, bounds, number
from benchmarks.toll.bounds import text as bounds_text
from benchmarks.toll.caller import Caller, Refused, load, quantile
from benchmarks.toll.contenders import CONTENDERS, Contender, Provider, start
from benchmarks.toll.cores import apart, for_gateways
from benchmarks.toll.found import Found, read
from benchmarks.toll.prefill import prefill
from benchmarks.toll.upstream import events, unfinished, whole

SMALL = rounds.Size(rounds=2, calls=10, seconds=0.2, connections=4, streams=1, streams_at_once=3, chunks=10, gap_ms=2.0,
                    large=1, warm_up=5, memory_calls=20, long_calls=20)  # fmt: skip


@pytest.mark.e2e
async def test_gateways_are_measured_beside_each_other() -> None:
    """Without a gateway, through a bare aiohttp and through the daemon: every figure is there in every round, a daemon
    adds time, a stream is as long as its events are apart. Who is not installed is named with the line that helps."""
    absent = Contender("absent", "A gateway", "litellm", "pip install it")
    names = [name for name in ("direct", "plain", "sluice") if not CONTENDERS[name].missing()]
    with Folder() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr("benchmarks.toll.contenders.PEERS", folder)
        patched.setenv("PATH", "")
        found = await rounds.measure([*(CONTENDERS[name] for name in names), absent], SMALL, folder)
    assert found.notes == {"absent": "not installed: `pip install it`"}
    for name in names:
        assert len(found.rounds[name]) == 2
        for figures in found.rounds[name]:
            assert all(figures[key] > 0 for key in ("p50_ms", "p99_ms", "per_s", "first_ms", "at_once_ms", "large_ms"))
            assert figures["stream_ms"] >= 9 * SMALL.gap_ms * 0.9
    assert statistics.median(added_ratio(found, "sluice", "direct")) > 1, "a daemon adds more than nothing"
    assert found.once["sluice"]["idle_mib"] > 10
    assert found.once["sluice"]["after_many_mib"] > 10
    shown = bounds(Found(results=found, long_calls=20))
    assert {"time to first token, added", "resident memory, idle"} <= {bound.what for bound in shown}


@pytest.mark.e2e
async def test_growth_is_measured_on_full_daemons() -> None:
    """The daemons really have so many calls in their journals and so many waiting while they are measured."""
    much = growth.Much((1, 50), (0, 5), (1, 10), rounds=1, calls=5)
    with Folder() as folder:
        found = await growth.measure(much, folder)
        with contextlib.closing(sqlite3.connect(folder / "rows50" / "state" / "journal.db")) as db:
            assert db.execute("SELECT count(*) FROM calls WHERE client = 'toll'").fetchone()[0] >= 50 + 300 + 5
        with contextlib.closing(sqlite3.connect(folder / "waiting5" / "state" / "journal.db")) as db:
            stuck = db.execute("SELECT count(*) FROM calls WHERE model = 'stuck'").fetchone()[0]
    assert stuck == 6, "one is let in and never answered, five wait for it"
    assert {name: [len(each) for each in levels.values()] for name, levels in found.items()} == {
        "rows": [1, 1], "waiting": [1, 1], "clients": [1, 1],
    }  # fmt: skip


@pytest.mark.e2e
async def test_commands_and_start_are_measured() -> None:
    """Each command runs beside a daemon that has a failure to show, and takes about the time of a Python at least: one
    look is no measurement."""
    with Folder() as folder:
        took = await commands.commands(folder, 1)
        assert took.keys() == {"python -c pass", *commands.COMMANDS}
        assert all(
            seconds[0] > 0.4 * took["python -c pass"][0] for name, seconds in took.items() if name.startswith("daemon")
        )
        starts = await commands.starts(folder, 1, ["sluice"])
        assert starts["sluice"][0] > 0
        assert starts["import aiohttp"][0] > 0
        assert (await commands.wake_ups(folder, ["sluice"], 1.0, 0.0)).keys() == {"sluice"}


@pytest.mark.e2e
async def test_a_wake_up_is_seen() -> None:
    """A daemon that is asked while one looks was awake at as many moments."""
    with Folder() as folder:
        provider = Provider(folder / "provider", 2, 1.0)
        await provider.start()
        one = await start(CONTENDERS["sluice"], folder / "s", provider.port)
        try:
            looking = asyncio.create_task(commands.watch([one], 4 * commands.LOOK_S))
            await load(one.place, [one.place.request()], seconds=4 * commands.LOOK_S)
            assert (await looking)[0] >= 2
        finally:
            await one.stop()
            await provider.stop()


async def test_the_load_client_knows_where_an_answer_ends() -> None:
    """Whole and chunked answers, in one piece and byte by byte; a refusal and a cut answer are never counted."""
    refused = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
    for answer in (whole(), stream(), refused):
        for size in (len(answer), 1):
            assert await read_by(answer, size) == ("refused" if answer is refused else "ended"), (answer[:20], size)
    assert await read_by(whole()[:-1], 7) == "nothing"
    assert await read_by(stream()[:-1], 7) == "nothing"


def stream() -> bytes:
    """A whole streamed answer."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(events(3))


async def read_by(answer: bytes, size: int) -> str:
    """What a caller makes of ANSWER, SIZE bytes at a time."""
    said: list[str] = []
    caller = Caller()
    caller.on_end = lambda _: said.append("ended")
    caller.on_loss = lambda _: said.append("refused")

    class Nowhere(asyncio.Transport):
        def write(self, data: object) -> None:
            pass

    caller.connection_made(Nowhere())
    caller.send(b"")
    for at in range(0, len(answer), size):
        caller.data_received(answer[at : at + size])
    return ",".join(said) or "nothing"


async def test_a_refusal_spoils_a_figure() -> None:
    """A contender that does not give the whole answer has no figure, instead of a good one."""
    with Folder() as folder:
        provider = Provider(folder / "provider", 3, 1.0)
        await provider.start()
        try:
            direct = await start(CONTENDERS["direct"], folder, provider.port)
            found = await load(direct.place, [direct.place.request(stream=True)], calls=2, whole=b"[DONE]")
            assert len(found.seconds) == 2
            with pytest.raises(Refused, match="not the whole answer"):
                await load(direct.place, [direct.place.request()], calls=1, whole=b"[DONE]")
        finally:
            await provider.stop()


def test_a_request_is_whole_when_it_is() -> None:
    """The provider answers neither too early nor never: by length, chunked, and while the head is not there."""
    request = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    assert [unfinished(request[:cut]) for cut in (10, len(request) - 2, len(request))] == [1, 2, 0]
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert unfinished(chunked[:-3])
    assert not unfinished(chunked)


def test_a_journal_is_made_in_advance(tmp_path: Path) -> None:
    """As many calls as asked for, each with its attempt and its steps, recent enough to stay."""
    prefill(tmp_path / "state", 1000)
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as db:
        counts = [db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("calls", "attempts", "steps")]
    assert counts == [1000, 1000, 6000]


def made_up() -> Found:
    """Three rounds in which Sluice adds 2, 3 and 4 times what the bare one does."""
    results = rounds.Results(notes={"portkey": "not installed: `npm install it`"}, once={"sluice": {"idle_mib": 50.0}})
    for name, added in (("direct", (0.0, 0.0, 0.0)), ("plain", (1.0, 1.0, 2.0)), ("sluice", (2.0, 3.0, 8.0))):
        results.rounds[name] = [{"p50_ms": 0.1 + more, "per_s": 100.0 / (1 + more)} for more in added]
    return Found(results=results, wake_ups={"sluice": 0.5}, starts={"sluice": [0.3], "import aiohttp": [0.1]})


def test_bounds_are_judged_by_the_median_of_ratios() -> None:
    """A ratio is taken within a round, the median counts, and the table says whether it is kept."""
    by_name = {bound.what: bound for bound in bounds(made_up())}
    ratio = by_name["added p50 against bare aiohttp and uvloop"]
    assert [round(value, 6) for value in ratio.values] == [2.0, 3.0, 4.0]
    assert ratio.reached == pytest.approx(3.0)
    assert not ratio.ok
    assert by_name["wake-ups in a minute without calls"].ok
    assert not by_name["resident memory, idle"].ok
    assert "added p50 against Portkey" not in by_name, "it was not there"
    assert Bound("at least", [0.9], 0.8, True).ok
    assert not Bound("at least", [0.7], 0.8, True).ok
    shown = bounds_text([ratio])
    assert "| added p50 against bare aiohttp and uvloop | 3.00 | 2.00–4.00 | <= 1.25, aim 1.0 | **missed** |" in shown


def test_found_is_kept_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was measured comes back from its file; the table goes between its marks, and the picture is whole."""
    made_up().save(tmp_path / "found.json")
    assert read(tmp_path / "found.json") == made_up()
    assert read(tmp_path / "none.json") == Found()
    assert main(["--show", str(tmp_path / "found.json")]) == 1, "a bound is missed"
    assert "| Portkey gateway | not installed: `npm install it` |" in capsys.readouterr().out
    page = tmp_path / "README.md"
    page.write_text("a\n<!-- gateways: made by benchmarks/gateways.py -->\nold\n<!-- end of gateways -->\nb\n")
    table.write(made_up(), page)
    assert "old" not in page.read_text()
    assert "| **Sluice** | 3.00 | 3.00 |" in page.read_text()
    plot.draw(made_up(), tmp_path / "p.svg")
    words = "".join(ElementTree.parse(tmp_path / "p.svg").getroot().itertext())
    assert "Sluice" in words
    assert "Portkey" not in words
    with pytest.raises(SystemExit, match="no place"):
        table.write(made_up(), tmp_path / "found.json")


def test_small_parts() -> None:
    """Quantiles, digits, names that are not known."""
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile(list(range(100)), 0.99) == 99
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
    assert [number(value) for value in (12345.6, 45.67, 1.234, 0.0123)] == ["12,346", "45.7", "1.23", "0.012"]
    assert chosen("sluice,direct", tuple(CONTENDERS)) == ["direct", "sluice"]
    with pytest.raises(SystemExit, match="not known"):
        chosen("apache", tuple(CONTENDERS))


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="there is one processor"
)
def test_gateways_have_processors_of_their_own() -> None:
    """Apart, the client runs on one, what is started as a gateway on another, everything else beside the client; after
    that, and where they are not apart, all is as it was."""
    before, show = os.sched_getaffinity(0), [sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))"]

    def where() -> set[int]:
        return {int(word) for word in subprocess.run(show, capture_output=True, check=True).stdout.split()}

    with for_gateways():
        assert where() == before
    with apart() as they_are:
        assert they_are
        ours = os.sched_getaffinity(0)
        with for_gateways():
            theirs = where()
        assert (len(ours), theirs, where()) == (1, before - ours, ours)
    assert os.sched_getaffinity(0) == before == where()
