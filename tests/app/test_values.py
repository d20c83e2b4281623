"""The configuration as the plain values that the parts take."""

from __future__ import annotations

from pathlib import Path

from daemon.app.values import budgets_of, pacing_settings, sharing_rules
from daemon.config import Config, load
from daemon.pacing import PacingSettings
from daemon.usage import PriceList


def loaded(folder: Path, text: str) -> Config:
    """The configuration TEXT."""
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ={})


def test_pacing_settings(tmp_path: Path) -> None:
    """What the configuration says about queues and resending reaches the pacer; the rest are its own defaults."""
    made = pacing_settings(loaded(tmp_path, "queue: {max_waiting: 7, max_wait: 9s}\nretry: {tries: 2}\n"))
    assert (made.max_waiting, made.max_wait_s, made.tries) == (7, 9.0, 2)
    assert made.floor == PacingSettings().floor


def test_budgets(tmp_path: Path) -> None:
    """Without budgets there is nothing to ask; with one it is there."""
    assert not budgets_of(loaded(tmp_path, "{}\n"), PriceList(), lambda alarm: None)
    budgets = budgets_of(loaded(tmp_path, "budgets: [{per: day, tokens: 5}]\n"), PriceList(), lambda alarm: None)
    assert [state["amount"] for state in budgets.states()] == [5.0]


def test_sharing_is_off_unless_asked_for(tmp_path: Path) -> None:
    """By default no call shares anything; each kind is turned on by its own setting."""
    off, on = sharing_rules(loaded(tmp_path, "{}\n")), sharing_rules(loaded(tmp_path, "coalesce: true\n"))
    assert off != on
