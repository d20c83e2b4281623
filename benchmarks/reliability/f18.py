"""F18: a journal whose bytes were changed."""

from __future__ import annotations

import random
import shutil
import sqlite3

from benchmarks.reliability.daemons import chat, config, daemon, exchange, sandbox, status, until
from benchmarks.reliability.figure import Figure, count

SHORT = 0.03
ROWS = 60
PAGE = 4096


def measure(scale: float) -> Figure:
    """Hit a random page, or the header, of a copy; start on it; call."""
    n = count(100, scale)
    rng = random.Random(18)
    started = aside = served = 0
    with sandbox() as provider, daemon(config(provider.url)) as sluice:
        for _ in range(ROWS):
            exchange(sluice.socket, chat())
        sluice.stop()
        good = sluice.folder / "good.db"
        shutil.copy(sluice.state_dir / "journal.db", good)
        for number in range(n):
            for file in sluice.state_dir.glob("journal*"):
                if file.is_file():
                    file.unlink()
            data = bytearray(good.read_bytes())
            _hit(data, rng, header=number % 4 == 0)
            (sluice.state_dir / "journal.db").write_bytes(data)
            (sluice.state_dir / "journal.db").chmod(0o600)
            damaged = _is_damaged(data, sluice.folder / "probe.db")
            sluice.begin()
            started += 1
            served += status(exchange(sluice.socket, chat())) == 200
            found = until(lambda: list(sluice.state_dir.glob("journal.corrupt-*.db")), 5.0 if damaged else 0.0)
            aside += found or not damaged  # bytes that SQLite does not look at are no damage
            sluice.stop()
    reached = f"{started} started, {aside} told apart and put aside, {served} served"
    return Figure("F18", f"{n} journals with a page destroyed", "all start, are put aside, and serve", reached,
                  ok=started == aside == served == n)  # fmt: skip


def _hit(data: bytearray, rng: random.Random, *, header: bool) -> None:
    page = 0 if header else rng.randrange(len(data) // PAGE)
    at = page * PAGE
    length = 16 if header else PAGE
    data[at : at + length] = rng.randbytes(length)


def _is_damaged(data: bytes, probe: object) -> bool:
    """What SQLite itself says of such a file."""
    from pathlib import Path

    file = Path(str(probe))
    file.write_bytes(data)
    db = sqlite3.connect(file)
    try:
        return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    except sqlite3.DatabaseError:
        return True
    finally:
        db.close()
        file.unlink()
