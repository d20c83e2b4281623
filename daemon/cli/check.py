"""`daemon check`: what is wrong with this set-up, and how to mend it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from daemon import __version__
from daemon.cli.client import NotRunning, Silent, address, ask
from daemon.config import Paths, load
from daemon.errors import ConfigError, Refusal


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    state: Literal["ok", "note", "bad"]
    what: str
    mend: str = ""


def run(paths: Paths, environ: Mapping[str, str]) -> list[Check]:
    """Look at everything; never raises."""
    return [check for look in _LOOKS for check in _safely(look, paths, environ)]


Look = Callable[[Paths, Mapping[str, str]], Iterator[Check]]


def _safely(look: Look, paths: Paths, environ: Mapping[str, str]) -> list[Check]:
    try:
        return list(look(paths, environ))
    except Exception as error:
        name = look.__name__.strip("_").replace("_", " ")
        return [Check("bad", f"{name}: {type(error).__name__}: {error}", "this is a fault in Sluice; please report it")]


def _python_and_libraries(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    yield Check("ok", f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")
    from importlib.metadata import version
    from importlib.util import find_spec

    if find_spec("aiohttp._http_parser") is not None and not environ.get("AIOHTTP_NO_EXTENSIONS"):
        yield Check("ok", f"aiohttp {version('aiohttp')} with its C parser")
    else:
        mend = "reinstall it from a wheel: pip install --force-reinstall aiohttp"
        yield Check("bad", f"aiohttp {version('aiohttp')} without its C parser, which is the safe one", mend)


def _configuration(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    try:
        load(paths.config_file, environ=environ, must_exist=paths.config_told)
    except ConfigError as refusal:
        mend = "correct that; a running daemon keeps its old settings, and none starts before it is mended"
        yield Check("bad", f"configuration: {refusal.message}", mend)
        return
    if paths.config_file.exists():
        yield Check("ok", f"configuration {paths.config_file}")
    else:
        yield Check("ok", f"no configuration at {paths.config_file}: the defaults are used, none is needed")


def _rules_of_your_own(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    from daemon.explain import Catalogue

    try:
        Catalogue.load(paths.rules_dir)
    except ConfigError as refusal:
        yield Check("bad", f"your rules: {refusal.message}", "correct that rule, or move its file out of that folder")
        return
    if paths.rules_dir.is_dir():
        yield Check("ok", f"your rules for explanations in {paths.rules_dir}")


def _daemon(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    where = address(paths)
    try:
        status: Mapping[str, Any] = ask(paths, "status", timeout_s=3)
    except Silent as refusal:
        yield Check("bad", refusal.message)
        return
    except NotRunning:
        yield Check("note", f"no daemon runs at {where}", "start it with `daemon`, or let Emacs start it")
        return
    about = status["daemon"]
    yield Check("ok", f"the daemon answers at {where} (version {about['version']}, pid {about['pid']})")
    if about["version"] != __version__:
        mend = "restart it: daemon stop, then daemon"
        yield Check("note", f"it has version {about['version']}, this command {__version__}", mend)
    journal = status["journal"]
    if journal.get("state") == "ok":
        yield Check("ok", f"journal with {journal.get('rows', '?')} calls")
    else:
        mend = "make room or mend that; calls go through all the same, and the daemon tries again every minute"
        yield Check("bad", f"the journal is {journal.get('state')}: {journal.get('why')}", mend)
    for pool in status["pools"]:
        if pool.get("blocked"):
            yield Check("bad", f"{pool['host']} {pool['group']}: {pool['words']}", "see `daemon explain last-failed`")


def _permissions(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    for folder in dict.fromkeys((paths.state_dir, address(paths).parent)):
        if not folder.exists():
            continue
        about = folder.stat()
        if about.st_mode & stat.S_ISVTX:  # the folder of all: nobody should make it private
            yield Check("bad", f"{folder} is shared with others", "choose a folder of your own, with --socket")
        elif about.st_uid != os.geteuid():
            yield Check("bad", f"{folder} belongs to uid {about.st_uid}, not to you", "choose another with --socket")
        elif about.st_mode & 0o077:
            mode = stat.S_IMODE(about.st_mode)
            yield Check("bad", f"{folder} can be entered by others (mode {mode:04o})", f"run: chmod 700 {folder}")
        else:
            yield Check("ok", f"{folder} is yours alone")
    for passed_over in paths.refused:
        yield Check("note", passed_over, f"the socket is at {address(paths)} instead")


def _certificates(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    from daemon.upstream import tls_context

    try:
        ca_file = load(paths.config_file, environ=environ).ca_file
    except ConfigError:
        ca_file = None  # has been told
    try:
        tls_context(ca_file)
    except Refusal as refusal:
        mend = "mend the setting ca_file" if ca_file else "install the package ca-certificates of your system"
        yield Check("bad", refusal.message, mend)
        return
    yield Check("ok", "TLS certificate authorities are there")


def _keys(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    from daemon.providers import load_providers

    variables = sorted({p.key_variable for p in load_providers().values() if p.key_variable})
    there = [name for name in variables if environ.get(name)]
    if there:
        yield Check("ok", f"keys in the environment (names only): {', '.join(there)}")
    else:
        yield Check("note", "no API key in the environment", "not needed for gptel and curl: they send their own")


def _programs(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    for name, why in (("curl", "to repeat failed calls"), ("emacs", "for the Emacs client")):
        if shutil.which(name, path=environ.get("PATH", os.defpath)):
            yield Check("ok", f"{name} is installed")
        else:
            mend = f"install the package {name} of your system, if you want that"
            yield Check("note", f"{name} is not installed; it is only needed {why}", mend)


_LOOKS: tuple[Look, ...] = (
    _python_and_libraries,
    _configuration,
    _rules_of_your_own,
    _daemon,
    _permissions,
    _certificates,
    _keys,
    _programs,
)


def lines(checks: list[Check]) -> Iterator[str]:
    """The checks as text, with what they come to."""
    for check in checks:
        mark = {"ok": "ok  ", "note": "note", "bad": "BAD "}[check.state]
        first, *more = check.what.splitlines() or [""]
        yield f"{mark}  {first}"
        yield from (f"      {line}" for line in more)
        if check.mend and check.state != "ok":
            yield f"      → {check.mend}"
    bad = sum(check.state == "bad" for check in checks)
    yield ""
    yield f"{bad} to mend." if bad else "All is well."
