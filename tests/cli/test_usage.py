"""`daemon usage`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import commands
from daemon.cli.usage import BAR, budgets_text, money, usage_text
from daemon.spending import Budget, Price, Spent
from daemon.usage import GROUPS, Budgets, PriceList, summary
from gateway.scripted import ok
from operations.office import Office

ROWS = [
    Spent("2026-11-28", "h", "k", "gpt-4o-mini", "emacs", calls=1200, failed=3, input=2_000_000, output=100_000),
    Spent("2026-11-28", "h", "k", "other\x1b[2J", "emacs", calls=1, input=10, output=5, estimated=1),
]


def answer(prices: PriceList, rows: list[Spent] = ROWS, by: str = "model") -> dict[str, Any]:
    """What the operation answers."""
    about = {"since": "2026-11-22", "currency": "USD", "prices_of": prices.newest(), "budgets": []}
    return {**summary(rows, by, prices), **about}


def test_table() -> None:
    """Numbers to the right, a total, and cost only where prices are known; a name cannot drive the terminal."""
    lines = usage_text(answer(PriceList()))
    assert lines[0].startswith("Used since 2026-11-22")
    assert re.fullmatch(r"model +calls +failed +input +output +cached", lines[2])
    assert re.fullmatch(r"gpt-4o-mini +1,200 +3 +2,000,000 +100,000 +0", lines[3])
    assert lines[5].startswith("total")
    assert len({len(line) for line in lines[2:6]}) == 1
    assert "\x1b" not in "\n".join(lines)
    assert any("prices:" in line for line in lines)


def test_cost() -> None:
    """The estimate, by which prices; a plus and the model's name where something has none."""
    lines = usage_text(answer(PriceList([Price(("gpt*",), 0.15, 0.60, since="2026-01-01")])))
    assert lines[3].endswith(" 0.36")
    assert lines[4].endswith(" -")
    assert lines[5].endswith(" 0.36+")
    assert any("estimate in USD by your prices of 2026-01-01" in line for line in lines)
    assert any("other" in line and "config.yaml" in line for line in lines)
    assert money({"cost": None, "cost_is_whole": False}) == "-"


def test_nothing_yet() -> None:
    """An empty time says so, and what to do."""
    assert usage_text(answer(PriceList(), [])) == [
        "Nothing was used since 2026-11-22. Look further back with --since 30d."
    ]


def test_budgets() -> None:
    """A bar and a sentence for each."""
    budgets = Budgets([Budget("day", "tokens", 100)], clock=lambda: 1.795e9)
    lines = budgets_text({"budgets": budgets.states()})
    assert lines == ["", "░" * BAR + "  100 tokens a day: 0 used, 0 %"]


def test_groups_are_the_same() -> None:
    """The command line knows the words of the ledger without its import."""
    assert commands.GROUPS == GROUPS


@pytest.fixture
async def journal(home: Path) -> None:
    """A journal with one call, left by a daemon that has ended."""
    here = Office(home / "state", ok())
    here.journal.start()
    await here.world.send(client="emacs")
    await here.world.pacer.close()
    here.hub.close()
    here.journal.close()


def test_without_a_daemon(home: Path, journal: None, run: Callable[..., Any]) -> None:
    """The journal answers alone, with the prices and budgets of the configuration."""
    (home / "config.yaml").write_text(
        'prices: [{model: "*", input: 1000, output: 1000}]\nbudgets: [{per: day, calls: 4}]\nlanguage: en\n'
    )
    found = json.loads(run("usage", "--by", "client", "--since", "3650d", "--json").out)
    assert [(row["client"], row["calls"]) for row in found["rows"]] == [("emacs", 1)]
    assert found["total"]["tokens"] > 0
    assert found["total"]["cost"] > 0
    assert found["budgets"][0]["measure"] == "calls"
    assert "emacs" in run("usage", "--by", "client", "--since", "3650d").out


def test_while_the_journal_cannot_be_written() -> None:
    """It is not said that nothing was used; what was is shown, and what is missing below it."""
    full = {"journal": {"state": "degraded", "since": 1.0, "why": "disk is full"}}
    assert usage_text({**answer(PriceList(), []), **full})[0].startswith("Calls since ")
    assert usage_text({**answer(PriceList()), **full})[-1].startswith("Calls since ")
