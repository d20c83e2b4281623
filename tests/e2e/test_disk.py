"""A disk that is full, a journal that cannot be written, a damaged one: calls go on, and `daemon status` says it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stage.disks import fill
from stage.visitors import Rpc, RpcError
from stage.world import HOSTS, KEYS, config

pytestmark = pytest.mark.e2e

MANY = {"requests_per_minute": None, "tokens_per_minute": None}


def answered(daemon: Any, times: int) -> int:
    """How many of so many chats are answered, of which every fifth is refused by the provider as it should be."""
    good = 0
    with Rpc(daemon.socket) as rpc:
        for n in range(times):
            messages = [{"role": "user", "content": f"Hello {n}"}]
            model = "insufficient-quota" if n % 5 == 4 else "m"
            asked = {"host": HOSTS["openai"], "model": model, "messages": messages, "priority": "interactive"}
            try:
                good += rpc.call("chat", **asked, key=KEYS["openai"])["finish"] == "stop"
            except RpcError as error:
                good += error.data["explanation"]["subtype"] == "insufficient_quota"
    return good


def journal(daemon: Any) -> Any:
    """What the daemon says of its journal."""
    return json.loads(daemon.run("status", "--json").stdout)["journal"]


def test_a_full_disk(small_disk: Any, sluice: Any, sandbox: Any) -> None:
    """Journal, bodies, log and address on one disk of 2 MiB without a free byte: each call is answered, and status
    says that the journal is not written and that calls go through."""
    daemon = sluice(config(sandbox(**MANY).url), begin=False)
    small_disk(daemon.state_dir, "2m")
    daemon.begin()
    assert answered(daemon, 10) == 10
    fill(daemon.state_dir)
    assert answered(daemon, 100) == 100
    assert journal(daemon)["state"] == "degraded"
    text = daemon.run("status").stdout
    assert "Journal: degraded" in text
    assert "Calls go through all the same." in text


def test_a_journal_that_cannot_be_written(read_only: Any, sluice: Any, sandbox: Any) -> None:
    """Read-only from the beginning: the daemon starts all the same."""
    daemon = sluice(config(sandbox(**MANY).url))
    assert answered(daemon, 5) == 5
    daemon.stop()
    read_only(daemon.state_dir / "journal.db")
    daemon.begin()
    assert answered(daemon, 20) == 20
    found = journal(daemon)
    assert found["state"] == "degraded"
    assert "cannot be written" in found["why"]


@pytest.mark.parametrize("damage", ["header", "everything"])
def test_a_damaged_journal(sluice: Any, sandbox: Any, damage: str) -> None:
    """It is put aside, a new one is begun, and status says where the old one is."""
    daemon = sluice(config(sandbox(**MANY).url))
    assert answered(daemon, 5) == 5
    daemon.stop()
    file = daemon.state_dir / "journal.db"
    data = file.read_bytes()
    file.write_bytes(b"\xff" * 100 + data[100:] if damage == "header" else b"\xff" * len(data))
    daemon.begin()
    assert answered(daemon, 5) == 5
    found = journal(daemon)
    assert found["state"] == "ok"
    kept = list(daemon.state_dir.glob("journal.corrupt-*.db"))
    assert len(kept) == 1
    assert str(kept[0]) in found["why"]
    assert str(kept[0]) in daemon.run("status").stdout
