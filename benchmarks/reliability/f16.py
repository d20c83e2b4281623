"""F16: the disk takes nothing: full, broken, read-only."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.reliability import daemons  # noqa: F401 - it puts the tests' own parts on the path
from benchmarks.reliability.figure import Figure, count
from daemon.explain import Catalogue
from daemon.gateway import Gateway
from daemon.journal import Journal
from daemon.pacing import Pacer
from daemon.redact import Redactor
from gateway.scripted import Upstream, body_of, chat_answer, incoming, ok
from stage.world import HOSTS

SHORT = 0.02
TROUBLE = (
    ("database or disk is full", sqlite3.SQLITE_FULL),
    ("disk I/O error", sqlite3.SQLITE_IOERR),
    ("attempt to write a readonly database", sqlite3.SQLITE_READONLY),
)


class Disk:
    """Stands between the journal and SQLite; says no while `trouble` is set."""

    def __init__(self) -> None:
        self.trouble: tuple[str, int] | None = None
        self.refused = 0
        disk = self

        class Connection(sqlite3.Connection):
            """A connection to it."""

            def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
                if disk.trouble is not None and sql.split(" ")[0] in ("BEGIN", "INSERT", "UPDATE", "PRAGMA"):
                    disk.refused += 1
                    error = sqlite3.OperationalError(disk.trouble[0])
                    error.sqlite_errorcode = disk.trouble[1]
                    raise error
                return super().execute(sql, *given)

        self.connection = Connection


def measure(scale: float) -> Figure:
    """A call for each trouble, then the disk is well again."""
    n = count(500, scale, least=6)
    told = asyncio.run(_run(n))
    reached = (
        f"{told['answered']} of {n} answered, {told['degraded']} times told, {told['recovered']} times well again "
        f"without a restart, {told['rows']} of {n} rows"
    )
    target = "each call answered whole, each trouble told, well again by itself, no row lost"
    good = all(told[name] == n for name in ("answered", "degraded", "recovered", "rows"))
    return Figure("F16", f"{n} times a full, broken or read-only disk", target, reached, ok=good)


async def _run(n: int) -> dict[str, int]:
    disk, connect = Disk(), sqlite3.connect
    told = dict.fromkeys(("answered", "degraded", "recovered", "rows"), 0)
    sqlite3.connect = lambda *given, **more: connect(*given, **{"factory": disk.connection, **more})  # type: ignore
    try:
        with tempfile.TemporaryDirectory(prefix="slu") as folder:
            journal = Journal(Path(folder), redactor=Redactor(b"x"), linger_s=0.0, retry_s=0.01)
            journal.start()
            for number in range(n):
                disk.trouble = TROUBLE[number % len(TROUBLE)]
                told["answered"] += await _call(journal)
                await journal.flush()
                told["degraded"] += journal.health()["state"] == "degraded" and bool(journal.health()["why"])
                disk.trouble = None
                for _ in range(500):
                    if await journal.flush():
                        break
                    await asyncio.sleep(0.005)
                told["recovered"] += journal.health()["state"] == "ok"
            told["rows"] = len(await journal.calls(limit=10 * n))
            journal.close()
    finally:
        sqlite3.connect = connect  # type: ignore[assignment]
    return told


async def _call(journal: Journal) -> bool:
    """One call through a gateway whose only sink is the journal; True when its answer is whole."""
    from daemon.model import Origin

    redactor = Redactor(b"x")
    gateway = Gateway(
        origin_of=lambda host: Origin(host, "https://x.example", "openai"),
        pacer=Pacer(),
        catalogue=_catalogue(),
        upstream=Upstream(ok(chat_answer("whole"))),  # type: ignore[arg-type]
        redactor=redactor,
        sinks=(journal.record,),
    )
    reply = await gateway.send(gateway.receive(incoming(host=HOSTS["openai"])))
    return b"whole" in await body_of(reply)


_KNOWN: list[Catalogue] = []


def _catalogue() -> Catalogue:
    if not _KNOWN:
        _KNOWN.append(Catalogue.load())
    return _KNOWN[0]
