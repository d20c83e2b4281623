"""What `daemon check` looks at outside of Sluice's own files: libraries, other programs, proxies, the clock, limits."""

from __future__ import annotations

import re
import resource
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path
from typing import Final

from daemon.cli.looks import Check
from daemon.cli.ready import program
from daemon.cli.units import UNITS, WANTED_BY, systemd_folder
from daemon.config import Paths, load, origins
from daemon.dimensions import period_of
from daemon.errors import ConfigError, NotFound
from daemon.phrases import phrase
from daemon.process import connections_that_fit

DISTRIBUTION: Final = "sluice-daemon"

WAL_MENDED: Final = (3, 51, 3)
"""The first SQLite without https://sqlite.org/wal.html#walresetbug."""

POSSIBLE: Final = (1_750_000_000.0, 4_102_444_800.0)
"""Unix times between which the clock can be: from before the first version of Sluice to the year 2100."""

FEW: Final = 256
"""Open files below which a few windows of an editor can come to the limit."""

_PROXIES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_NEEDS: Final = re.compile(r"([A-Za-z0-9_.-]+)[^;]*?>=\s*([0-9.]+)(?!.*;\s*extra)")


def libraries(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """Each is as new as Sluice says that it must be."""
    try:
        needs = [found.groups() for text in metadata.requires(DISTRIBUTION) or () if (found := _NEEDS.match(text))]
    except metadata.PackageNotFoundError:  # a checkout that was not installed
        return
    names = []
    for name, floor in needs:
        version = metadata.version(name)
        names.append(f"{name} {version}")
        if numbers(version) < numbers(floor):
            mend = phrase("check.upgrade", python=sys.executable, name=name, floor=floor)
            yield Check("bad", phrase("check.old_library", name=name, version=version, floor=floor), mend)
    yield Check("ok", phrase("check.libraries", names=", ".join(names)))


def sqlite(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """A known fault of SQLite, and why it is not met."""
    if sqlite3.sqlite_version_info < WAL_MENDED:
        yield Check("ok", phrase("check.wal", version=sqlite3.sqlite_version))


def numbers(version: str) -> tuple[int, ...]:
    """`3.14.4` as numbers that can be compared."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:4])


def other_programs(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """A command of our names that is somebody else's: Debian has a package `daemon`."""
    for name in ("daemon", "sluice"):
        found = shutil.which(name, path=environ.get("PATH", ""))
        if found and not _is_ours(Path(found)):
            mend = phrase("check.call_ours", ours=program())
            yield Check("note", phrase("check.another", name=name, path=found), mend)


def _is_ours(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return b"daemon.cli" in opened.read(4096)
    except OSError:
        return False


def proxies(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """Which way calls go out; a password in the proxy's address is not shown."""
    try:
        setting = load(paths.config_file, environ=environ).proxy
    except ConfigError:
        return  # has been told
    name = next((name for name in _PROXIES if environ.get(name)), None)
    if setting == "environment":
        if name is not None:
            yield Check("ok", phrase("check.proxy", proxy=without_password(environ[name]), name=name))
    elif name is not None:
        told = without_password(setting) if setting else "none"
        yield Check("note", phrase("check.proxy_unused", name=name, setting=told))
    elif setting is not None:
        yield Check("ok", phrase("check.proxy", proxy=without_password(setting), name="config.yaml"))


def budgets(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """A budget in money without a price never says no."""
    try:
        config = load(paths.config_file, environ=environ)
    except ConfigError:
        return  # has been told
    for budget in config.budgets:
        if budget.measure == "cost" and not any(_meet(budget.models, price.models) for price in config.prices):
            per = period_of(budget.per)
            what = phrase("check.budget_unbound", amount=f"{budget.amount:g}", currency=config.currency, per=per)
            yield Check("bad", what, phrase("check.add_prices"))


def fallback_keys(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """A call that goes to another host needs a key for it, and the daemon alone can have that."""
    from daemon.providers import load_providers

    try:
        config = load(paths.config_file, environ=environ)
        origin_of = origins(config, load_providers())
    except ConfigError:
        return  # has been told
    told: set[str] = set()
    for host in dict.fromkeys(place.host for rule in config.fallback for place in rule.to if place.host):
        origin = origin_of(host)
        provider = load_providers().get(origin.provider) if origin else None
        usual = provider.key_variable if provider else None
        known = [way.variable for way in origin.ways if way.variable] if origin else []
        wanted = known or [name for name in (origin.key_variable if origin else None, usual) if name][:1]
        if wanted and wanted[0] not in told and not any(environ.get(name) for name in wanted):
            told.add(wanted[0])
            mend = phrase("check.set_key", variable=wanted[0], host=host)
            yield Check("note", phrase("check.fallback_key", host=host, variable=wanted[0]), mend)


def _meet(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """True if there may be a model that fits patterns of both; no pattern fits all."""
    pairs = [(one, other) for one in some or ("*",) for other in others]
    return any(fnmatchcase(one, other) or fnmatchcase(other, one) for one, other in pairs)


def without_password(url: str) -> str:
    """A proxy's address without who we are to it."""
    scheme, mark, rest = url.rpartition("://")
    return scheme + mark + rest.rpartition("@")[2]


def clock(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """A clock of 1970 makes every certificate wrong."""
    now = time.time()
    if not POSSIBLE[0] <= now <= POSSIBLE[1]:
        said = time.strftime("%Y-%m-%d", time.gmtime(min(max(now, 0.0), 2e11)))
        yield Check("bad", phrase("check.clock", now=said), phrase("check.set_clock"))


def open_files(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """How many files may be open: what the daemon can raise its limit to counts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FEW:
        few = phrase("check.few_files", n=hard, most=connections_that_fit(FEW))
        yield Check("note", few, phrase("check.more_files"))
    else:
        yield Check("ok", phrase("check.files", n="∞" if hard == resource.RLIM_INFINITY else str(hard)))


def units(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """Units that were installed: whether something starts them, and whether what they start is there."""
    folder = systemd_folder(environ, Path(environ.get("HOME") or "~").expanduser())
    there = [name for name in UNITS if (folder / name).exists()]
    enabled = [link.rpartition("/")[2] for link in WANTED_BY if (folder / link).is_symlink()]
    for name in there:
        if name in enabled:
            yield Check("ok", phrase("check.unit", name=name))
        else:
            yield Check("note", phrase("check.not_enabled", name=name), phrase("check.enable", names=" ".join(there)))
    service = folder / UNITS[1]
    if service.exists() and (gone := _missing_program(service)):
        yield Check("bad", phrase("check.unit_gone", file=str(service), program=gone), phrase("check.install_again"))


def _missing_program(service: Path) -> str | None:
    """The program of ExecStart, if it is not there."""
    found = re.search(r'^ExecStart=(?:"((?:[^"\\]|\\.)*)"|(\S+))', service.read_text("utf-8", "replace"), re.MULTILINE)
    if found is None:
        return None
    word = re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]
    word = word.replace("%%", "%").replace("$$", "$")
    return None if Path(word).is_file() else word


def private_files(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """What the daemon has written is for its user alone; a copy or a restored backup may not be."""
    for name in ("journal.db", "journal.db-wal", "install-secret", "endpoint.json"):
        file = paths.state_dir / name
        if file.is_file() and file.stat().st_mode & 0o077:
            mode = f"{stat.S_IMODE(file.stat().st_mode):04o}"
            mend = phrase("check.close_file", file=str(file))
            yield Check("bad", phrase("check.open_file", file=str(file), mode=mode), mend)


def journal_without_daemon(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    """The journal as it lies there, for when no daemon runs that could tell."""
    from daemon.journal import Reader

    if not (paths.state_dir / "journal.db").exists():
        return
    try:
        with Reader(paths.state_dir) as reader:
            reader.calls(limit=1)
    except NotFound as refusal:
        yield Check("bad", refusal.message, phrase("check.journal_aside"))


LOOKS: Final = (
    libraries,
    sqlite,
    other_programs,
    proxies,
    budgets,
    fallback_keys,
    clock,
    open_files,
    units,
    private_files,
)
"""All that need no daemon."""
