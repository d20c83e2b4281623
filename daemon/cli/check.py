"""`daemon check`: what is wrong with this set-up, and how to mend it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from daemon.cli.client import NotRunning, address, ask
from daemon.config import Paths, load
from daemon.errors import Refusal


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
        load(paths.config_file, environ=environ)
    except Refusal as refusal:
        yield Check("bad", f"configuration: {refusal.message}", "correct that line; the daemon keeps its old settings")
        return
    if paths.config_file.exists():
        yield Check("ok", f"configuration {paths.config_file}")
    else:
        yield Check("ok", f"no configuration at {paths.config_file}: the defaults are used, none is needed")


def _daemon(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    where = address(paths)
    try:
        status: Mapping[str, Any] = ask(paths, "status", timeout_s=3)
    except NotRunning as refusal:
        yield Check("note", refusal.message, "start it with `daemon`, or let Emacs start it (sluice-start-daemon)")
        return
    about = status["daemon"]
    yield Check("ok", f"the daemon answers at {where} (version {about['version']}, pid {about['pid']})")
    journal = status["journal"]
    if journal.get("state") == "ok":
        yield Check("ok", f"journal with {journal.get('rows', '?')} calls")
    else:
        yield Check("bad", f"journal is {journal.get('state')}: {journal.get('why')}", "calls go through all the same")
    blocked = [pool for pool in status["pools"] if pool.get("blocked")]
    for pool in blocked:
        yield Check("bad", f"{pool['host']} {pool['group']}: {pool['words']}", "see `daemon explain last-failed`")


def _permissions(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    for folder in {paths.state_dir, address(paths).parent}:
        if not folder.exists():
            continue
        mode = folder.stat().st_mode & 0o777
        if mode & 0o077:
            yield Check("bad", f"{folder} can be entered by others (mode {mode:04o})", f"run: chmod 700 {folder}")
        else:
            yield Check("ok", f"{folder} is yours alone")


def _certificates(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    from daemon.upstream import tls_context

    try:
        tls_context(None)
    except Refusal as refusal:
        yield Check("bad", refusal.message, "install ca-certificates: sudo apt install ca-certificates")
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
            yield Check("note", f"{name} is not installed; it is only needed {why}", f"sudo apt install {name}")


_LOOKS: tuple[Look, ...] = (
    _python_and_libraries,
    _configuration,
    _daemon,
    _permissions,
    _certificates,
    _keys,
    _programs,
)


def lines(checks: list[Check]) -> Iterator[str]:
    """The checks as text."""
    for check in checks:
        mark = {"ok": "ok  ", "note": "note", "bad": "BAD "}[check.state]
        yield f"{mark}  {check.what}"
        if check.mend and check.state != "ok":
            yield f"      → {check.mend}"
