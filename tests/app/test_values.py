"""The configuration as the plain values that the parts take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daemon.app.values import budgets_of, fallback_rules, pacing_settings, reloaded, sharing_rules
from daemon.config import Config, load, origins
from daemon.errors import ConfigError
from daemon.explain import Catalogue
from daemon.pacing import PacingSettings
from daemon.providers import load_providers
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


def test_what_a_reload_takes(tmp_path: Path) -> None:
    """Hosts with their limits, the log's level and whether it holds prompts; nothing else, not even by chance."""
    old = loaded(tmp_path, "{}\n")
    new = loaded(
        tmp_path,
        "upstreams: [{host: relay.example.com, limits: [{requests: 3, per: minute}]}]\n"
        "log: {level: debug, bodies: true, keep: 9}\nwarnings: {desktop: true}\nca_file: /x.pem\ndrain: 3s\n"
        "drain_replaced: 4s\nlanguage: ko\nproxy: none\nqueue: {max_wait: 1s}\n",
    )
    got = reloaded(old, new)
    assert (got.upstreams, got.log.level, got.log.bodies) == (new.upstreams, "debug", True)
    assert replace(got, upstreams=old.upstreams, log=replace(got.log, level=old.log.level, bodies=False)) == old


def test_fallback_rules(tmp_path: Path) -> None:
    """Kinds and families that there are, and hosts that lead somewhere; anything else is told with its file and
    line, all of it."""

    def rules(text: str) -> int:
        config = loaded(tmp_path, text)
        return len(fallback_rules(config, Catalogue.load(), origins(config, load_providers())))

    assert rules("{}\n") == 0
    assert rules("fallback: [{on: [quota, plan_window], to: {host: 'localhost:11434', model: a}}]\n") == 1
    with pytest.raises(ConfigError, match=r"yaml:4: fallback: .*'quotas'.*Did you mean 'quota'"):
        rules("fallback:\n- to: {model: a}\n  on: [quota,\n    quotas]\n")
    with pytest.raises(ConfigError, match=r"yaml:1: .*nowhere\.example\.com is not known"):
        rules("fallback: [{on: quota, to: {host: nowhere.example.com, model: a}}]\n")
    with pytest.raises(ConfigError, match=r"(?s)yaml:1: .*'a'.*yaml:1: .*'b'"):
        rules("fallback: [{on: [a, quota, b], to: {model: a}}]\n")
