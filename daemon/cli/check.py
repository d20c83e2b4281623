"""`daemon check`: what is wrong with this set-up, and how to mend it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from daemon import __version__
from daemon.cli import surroundings
from daemon.cli.client import NotRunning, Silent, address, ask
from daemon.cli.looks import Check, Look
from daemon.cli.safe import safe
from daemon.columns import folded
from daemon.config import Config, Paths, load, origins
from daemon.doors.claim import lived_in
from daemon.errors import ConfigError, Refusal
from daemon.owner import mode_for_others
from daemon.phrases import phrase, teller, told
from daemon.slips import nearest


def run(paths: Paths, environ: Mapping[str, str]) -> list[Check]:
    """Look at everything; never raises."""
    return [check for look in _LOOKS for check in _safely(look, paths, environ)]


def _safely(look: Look, paths: Paths, environ: Mapping[str, str]) -> list[Check]:
    try:
        return list(look(paths, environ))
    except Exception as error:
        name = look.__name__.strip("_").replace("_", " ")
        why = f"{type(error).__name__}: {error}"
        return [Check("bad", phrase("check.broke", look=name, why=why), phrase("check.report_it"))]


def _python_and_libraries(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    yield Check("ok", phrase("check.versions", python=sys.version.split()[0], sqlite=sqlite3.sqlite_version))
    from importlib.metadata import version
    from importlib.util import find_spec

    if find_spec("aiohttp._http_parser") is not None and not environ.get("AIOHTTP_NO_EXTENSIONS"):
        yield Check("ok", phrase("check.parser", version=version("aiohttp")))
    else:
        yield Check("bad", phrase("check.no_parser", version=version("aiohttp")), phrase("check.reinstall"))


def _configuration(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    from daemon.providers import load_providers

    try:
        config = load(paths.config_file, environ=environ, must_exist=paths.config_told)
        origins(config, load_providers())  # a provider that is not known stops the daemon
        if config.fallback:
            _check_fallback(config, paths)
    except ConfigError as refusal:
        yield Check("bad", phrase("check.config_bad", why=refusal.message), phrase("check.config_mend"))
        return
    yield from _doubtful_hosts(config)
    if paths.config_file.exists():
        yield Check("ok", phrase("check.config", file=str(paths.config_file)))
    else:
        yield Check("ok", phrase("check.no_config", file=str(paths.config_file)))


def _doubtful_hosts(config: Config) -> Iterator[Check]:
    """Hosts that look like a slip of a known one: their settings would hold for nobody, and a key could go astray."""
    from daemon.providers import load_providers

    known = [host.pattern for provider in load_providers().values() for host in provider.hosts]
    for upstream in config.upstreams:
        near = nearest(upstream.host, known, like=0.9) if upstream.host not in known else None
        if near and upstream.url is None:
            yield Check("note", phrase("check.host", host=upstream.host), phrase("check.host_near", near=near))


def _check_fallback(config: Config, paths: Paths) -> None:
    """Raises ConfigError for a kind of failure or a host that there is not."""
    from daemon.app.values import fallback_rules
    from daemon.explain import Catalogue
    from daemon.providers import load_providers

    fallback_rules(config, Catalogue.load(paths.rules_dir), origins(config, load_providers()))


def _rules_of_your_own(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    from daemon.explain import Catalogue

    try:
        Catalogue.load(paths.rules_dir)
    except ConfigError as refusal:
        yield Check("bad", phrase("check.rules_bad", why=refusal.message), phrase("check.rules_mend"))
        return
    if paths.rules_dir.is_dir():
        yield Check("ok", phrase("check.rules", folder=str(paths.rules_dir)))


def _daemon(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    where = address(paths)
    try:
        status: Mapping[str, Any] = ask(
            paths, "status", {"language": environ.get("SLUICE_LANGUAGE") or None}, timeout_s=3
        )
    except Silent as refusal:
        yield Check("bad", refusal.message)
        return
    except NotRunning:
        yield Check("note", phrase("check.no_daemon", where=str(where)), phrase("check.start"))
        yield from surroundings.journal_without_daemon(paths, environ)
        return
    about = status["daemon"]
    version = str(about["version"])
    yield Check("ok", phrase("check.answers", where=str(where), version=version, pid=str(about["pid"])))
    if about.get("sandbox"):
        yield Check("note", phrase("check.sandbox"), phrase("check.no_sandbox"))
    if strangers := about.get("turned_away"):
        folder = str(where.parent)
        yield Check("note", phrase("check.strangers", n=strangers), phrase("check.keep_out", folder=folder))
    if version != __version__:
        yield Check("note", phrase("check.versions_differ", theirs=version, ours=__version__), phrase("check.restart"))
    journal = status["journal"]
    if journal.get("state") == "ok":
        yield Check("ok", phrase("check.journal", n=str(journal.get("rows", "?"))))
    else:
        bad = phrase("check.journal_bad", state=str(journal.get("state")), why=str(journal.get("why")))
        yield Check("bad", bad, phrase("check.journal_mend"))
    for pool in status["pools"]:
        if pool.get("state") == "blocked":
            yield Check("bad", f"{pool['host']} {pool['group']}: {pool['words']}", phrase("check.see_explain"))


def _permissions(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    for folder in dict.fromkeys((paths.state_dir, address(paths).parent)):
        if not folder.exists():
            continue
        about, place = folder.stat(), str(folder)
        if about.st_mode & stat.S_ISVTX:  # the folder of all: nobody should make it private
            yield Check("bad", phrase("check.shared", folder=place), phrase("check.choose_own"))
        elif about.st_uid != os.geteuid():
            yield Check("bad", phrase("check.not_yours", folder=place, uid=about.st_uid), phrase("check.choose_other"))
        elif mode := mode_for_others(about):
            mend = phrase("check.choose_own") if lived_in(folder) else phrase("check.chmod", folder=place)
            yield Check("bad", phrase("check.open", folder=place, mode=mode), mend)
        else:
            yield Check("ok", phrase("check.private", folder=place))
    yield from _open_socket(address(paths))
    for passed_over in paths.refused:
        yield Check("note", passed_over, phrase("check.instead", where=str(address(paths))))


def _open_socket(place: Path) -> Iterator[Check]:
    """Say it of a socket that others may open."""
    if place.is_socket() and (mode := mode_for_others(place.stat())):
        what = phrase("check.open_socket", place=str(place), mode=mode)
        yield Check("bad", what, phrase("check.close_socket", place=str(place)))


def _certificates(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    from daemon.upstream import check_authorities, tls_context

    try:
        ca_file = load(paths.config_file, environ=environ).ca_file
    except ConfigError:
        ca_file = None  # has been told
    try:
        check_authorities(ca_file, whole=True)
        tls_context(ca_file)
    except Refusal as refusal:
        named = phrase("check.mend_cert_file" if environ.get("SSL_CERT_FILE") else "check.install_ca")
        yield Check("bad", refusal.message, phrase("check.mend_ca_file") if ca_file else named)
        return
    yield Check("ok", phrase("check.ca"))


def _keys(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    from daemon.providers import load_providers

    variables = sorted({p.key_variable for p in load_providers().values() if p.key_variable})
    there = [name for name in variables if environ.get(name)]
    if there:
        yield Check("ok", phrase("check.keys", names=", ".join(there)))
    else:
        yield Check("note", phrase("check.no_keys"), phrase("check.keys_needless"))


def _programs(paths: Paths, environ: Mapping[str, str]) -> Iterator[Check]:
    for name, why in (("curl", phrase("check.why_curl")), ("emacs", phrase("check.why_emacs"))):
        if shutil.which(name, path=environ.get("PATH", os.defpath)):
            yield Check("ok", phrase("check.installed", name=name))
        else:
            yield Check("note", phrase("check.missing", name=name, why=why), phrase("check.install", name=name))


_LOOKS: tuple[Look, ...] = (
    _python_and_libraries,
    _configuration,
    _rules_of_your_own,
    _daemon,
    _permissions,
    _certificates,
    _keys,
    _programs,
    *surroundings.LOOKS,
)


def lines(checks: list[Check], language: str = "en", most: int | None = None) -> Iterator[str]:
    """The checks as text, with what they come to, on a terminal of MOST columns."""
    tell = teller(language)
    for check in checks:
        mark = tell(f"mark.{check.state}")
        first, *more = told(check.what, language).splitlines() or [""]
        yield from folded(f"{mark}  {safe(first)}", most, "      ")
        for line in more:
            yield from folded(f"      {safe(line)}", most)
        if check.mend and check.state != "ok":
            yield from folded(f"      → {safe(told(check.mend, language))}", most, "  ")
    bad = sum(check.state == "bad" for check in checks)
    yield ""
    yield tell("check.to_mend", n=bad) if bad else tell("check.all_well")
