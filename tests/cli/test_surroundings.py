"""What `daemon check` looks at outside of Sluice's own files: each look with something wrong, and without."""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import surroundings
from daemon.cli.looks import Check
from daemon.config import default_paths


@pytest.fixture
def look(home: Path) -> Any:
    """`look(name, environ)`: the checks of one look, in the empty home."""

    def do(name: str, **environ: str) -> list[Check]:
        environ = {"HOME": str(home), "PATH": "/nowhere", "SLUICE_STATE_DIR": str(home / "state"), **environ}
        environ.setdefault("SLUICE_CONFIG", str(home / "config.yaml"))
        found: Iterator[Check] = getattr(surroundings, name)(default_paths(environ), environ)
        return list(found)

    return do


def states(checks: list[Check]) -> list[str]:
    """What each came to; each that is not ok must say how to mend it, or what instead."""
    return [check.state for check in checks]


def test_old_libraries(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is older than its floor is bad, with the command that mends it; extras do not count."""
    needs = ["aiohttp<4,>=3.14.4", "PyYAML>=6.0", 'uvloop>=99; extra == "speed"']
    monkeypatch.setattr(metadata, "requires", lambda name: needs)
    versions = {"aiohttp": "3.14.10", "PyYAML": "6.0.1"}
    monkeypatch.setattr(metadata, "version", versions.__getitem__)
    assert states(look("libraries")) == ["ok"]
    versions["aiohttp"] = "3.9.5"
    bad, _ = look("libraries")
    assert bad.state == "bad"
    assert "3.9.5 is older than 3.14.4" in bad.what
    assert '--upgrade "aiohttp>=3.14.4"' in bad.mend


def test_a_checkout(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Sluice was not installed nobody can say what it needs."""

    def none(name: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "requires", none)
    assert look("libraries") == []


def test_a_fault_of_sqlite(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 3.51.3 it is told, with why it is not met."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    assert "one connection only" in look("sqlite")[0].what
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    assert look("sqlite") == []


def test_another_program_of_our_name(look: Any, home: Path) -> None:
    """Debian has a `daemon`: it is told where it is, and how ours is called. A script of ours is no stranger."""
    (home / "daemon").write_text("#!/bin/sh\n")
    (home / "daemon").chmod(0o755)
    (found,) = look("other_programs", PATH=str(home))
    assert (found.state, str(home / "daemon") in found.what, "sluice" in found.mend) == ("note", True, True)
    (home / "daemon").write_text("#!/usr/bin/python3\nfrom daemon.cli import main\n")
    assert look("other_programs", PATH=str(home)) == []


def test_proxies(look: Any, home: Path) -> None:
    """The way out is told without the password; one that is set and not used is a note."""
    (ok,) = look("proxies", https_proxy="http://me:CANARY-proxy@proxy.example:3128")
    assert (ok.state, "proxy.example:3128" in ok.what, "CANARY" in ok.what) == ("ok", True, False)
    assert look("proxies") == []
    (home / "config.yaml").write_text("proxy: none\n")
    assert states(look("proxies", HTTPS_PROXY="http://p:1")) == ["note"]
    (home / "config.yaml").write_text("proxy: http://u:CANARY-p@other.example:1\n")
    (home / "config.yaml").chmod(0o600)
    (ok,) = look("proxies")
    assert ("other.example:1" in ok.what, "CANARY" in ok.what) == (True, False)
    (home / "config.yaml").write_text("nonsense: 1\n")
    assert look("proxies", HTTPS_PROXY="http://p:1") == []


def test_the_clock(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """1970 and 2200 cannot be."""
    assert look("clock") == []
    for now in (86_400.0, 7.3e9, -5.0, 1e30):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        assert states(look("clock")) == ["bad"]


def test_open_files(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few are a note with what follows from it."""
    monkeypatch.setattr(resource, "getrlimit", lambda what: (64, 64))
    (few,) = look("open_files")
    assert (few.state, "16 connections" in few.what, "ulimit" in few.mend) == ("note", True, True)
    monkeypatch.setattr(resource, "getrlimit", lambda what: (1024, resource.RLIM_INFINITY))
    assert states(look("open_files")) == ["ok"]


def test_units(look: Any, run: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed and not enabled; enabled; and one whose program is gone."""
    assert look("units") == []
    monkeypatch.delenv("SLUICE_SOCKET")
    run("install-service", "--systemd")
    assert states(look("units")) == ["note", "note"]
    assert "enable --now sluice.socket sluice.service" in look("units")[0].mend
    folder = home / ".config" / "systemd" / "user"
    for link in surroundings.WANTED_BY:
        (folder / link).parent.mkdir()
        (folder / link).symlink_to(folder / link.rpartition("/")[2])
    assert states(look("units")) == ["ok", "ok"]
    (folder / "sluice.service").write_text('[Service]\nExecStart="/gone/a b" serve\n')
    assert states(look("units")) == ["ok", "ok", "bad"]
    assert "/gone/a b" in look("units")[2].what
    (folder / "sluice.service").write_text("[Service]\n")
    assert states(look("units")) == ["ok", "ok"]


def test_files_that_others_can_read(look: Any, home: Path) -> None:
    """A journal from a backup may be open: the command that closes it is told."""
    (home / "state").mkdir(mode=0o700)
    (home / "state" / "journal.db").touch(0o600)
    assert look("private_files") == []
    (home / "state" / "journal.db").chmod(0o644)
    (bad,) = look("private_files")
    assert (bad.state, bad.mend) == ("bad", f"run: chmod 600 {home / 'state' / 'journal.db'}")


def test_a_journal_without_a_daemon(look: Any, home: Path) -> None:
    """A file that is no database is bad; none at all is nothing."""
    (home / "state").mkdir(mode=0o700)
    assert look("journal_without_daemon") == []
    (home / "state" / "journal.db").write_bytes(b"garbage" * 999)
    (bad,) = look("journal_without_daemon")
    assert (bad.state, bad.what.count("cannot be read")) == ("bad", 1)


@pytest.mark.parametrize(
    ("prices", "model", "found"),
    [("", "", ["bad"]), ("x", 'model: "gpt-4o*", ', ["bad"]), ("gpt-4o", 'model: "gpt-4o*", ', []), ("gpt*", "", [])],
)
def test_a_budget_that_can_never_be_used_up(look: Any, home: Path, prices: str, model: str, found: list[str]) -> None:
    """One in money for whose models there is no price; one that counts calls needs none."""
    price = f"prices: [{{model: '{prices}', input: 1, output: 2}}]\n" if prices else ""
    text = f"budgets: [{{{model}per: month, cost: 20}}, {{per: day, calls: 9}}]\n{price}"
    (home / "config.yaml").write_text(text)
    checks = look("budgets")
    assert states(checks) == found
    assert all("20 USD per month can never" in check.what and "prices:" in check.mend for check in checks)


def test_a_fallback_without_its_key(look: Any, home: Path) -> None:
    """The variable that is not set is named, the upstream's own before the provider's; a server of this machine needs
    none, and neither does another model of the same host."""
    to = "to: [{host: api.deepseek.com, model: a}, {host: 'localhost:11434', model: b}, {model: c}]"
    (home / "config.yaml").write_text(f"fallback: [{{on: quota, {to}}}]\n")
    (note,) = look("fallback_keys")
    assert (note.state, "DEEPSEEK_API_KEY" in note.what, "api.deepseek.com" in note.mend) == ("note", True, True)
    assert look("fallback_keys", DEEPSEEK_API_KEY="CANARY-x") == []
    own = "upstreams: [{host: api.deepseek.com, key_variable: MINE}]\n"
    (home / "config.yaml").write_text(f"fallback: [{{on: quota, {to}}}]\n{own}")
    assert "MINE" in look("fallback_keys", DEEPSEEK_API_KEY="CANARY-x")[0].what
    assert look("fallback_keys", MINE="CANARY-x") == []
