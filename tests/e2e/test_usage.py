"""The ledger and the budgets with a real daemon and the sandbox as the provider."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from stage.visitors import Rpc
from stage.world import CHATS, config

pytestmark = pytest.mark.e2e

MONEY = """
prices: [{model: "gpt-4o-mini", input: 1000, output: 1000}]
budgets: [{per: month, calls: 4, warn_at: 0.5}]
language: en
"""


def send(daemon: Any, *, stream: bool = False) -> tuple[int, dict[str, Any] | str]:
    """One chat by curl: status and answer."""
    command = ["curl", "-q", "-sS", "-w", "\n%{http_code}", "--unix-socket", str(daemon.socket)]
    arguments = [*command, "-H", "X-Sluice-Client: notes", *CHATS[0].curl("gpt-4o-mini", stream=stream)]
    out = subprocess.run(arguments, capture_output=True, check=True, timeout=60, text=True).stdout
    body, _, status = out.rpartition("\n")
    return int(status), body if stream else json.loads(body)


def test_ledger_and_budget(sluice: Any, sandbox: Any) -> None:
    """Calls are added up with their cost; at half of the budget a subscriber is told once; when it is used up the next
    call is refused in words and not sent; all of that is still known after a restart."""
    provider = sandbox()
    daemon = sluice(config(provider.url, more=MONEY))
    with Rpc(daemon.socket) as visitor:
        visitor.call("subscribe", topics=["warnings"])
        assert send(daemon)[0] == send(daemon, stream=True)[0] == 200
        visitor.call("status")
        [(name, told)] = [(note["method"], note["params"]) for note in visitor.notifications]
        assert name == "warning"
        assert "4 calls a month: 2 used, 50 %" in told["words"]
    found = json.loads(daemon.run("usage", "--by", "client", "--json").stdout)
    [row] = found["rows"]
    assert (row["client"], row["calls"]) == ("notes", 2)
    assert row["cost"] == pytest.approx(row["tokens"] / 1000)
    daemon.restart()
    assert send(daemon)[0] == send(daemon)[0] == 200
    before = len(provider.seen)
    status, answer = send(daemon)
    assert (status, len(provider.seen)) == (402, before)
    assert isinstance(answer, dict)
    assert "4 calls a month is used up (4)" in answer["error"]["message"]
    assert answer["error"]["type"] == "sluice_over_budget"
    assert "4 calls a month: 4 used, 100 %" in daemon.run("status").stdout
    daemon.stop()
    offline = json.loads(daemon.run("usage", "--json").stdout)
    assert (offline["total"]["calls"], offline["total"]["failed"], offline["budgets"][0]["part"]) == (4, 0, 1.0)
