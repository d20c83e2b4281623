"""From the command line to a daemon that serves, and all of it back: locks, socket, journal, parts."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace

from daemon import log, systemd
from daemon.app.application import App, Ready
from daemon.config import Config, Paths, load
from daemon.doors import rundir
from daemon.doors.claim import LEAVE_S, Former, Taken, locks, own_folder
from daemon.doors.listener import Listener, url_of
from daemon.doors.standing import Standing
from daemon.errors import ConfigError
from daemon.journal import Journal
from daemon.phrases import phrase
from daemon.process import (
    give_way_to_calls,
    install_secret,
    keep_memory_private,
    loop_runner,
    raise_file_limit,
)
from daemon.redact import Redactor
from daemon.upstream import check_authorities


def serve(
    paths: Paths, *, sandbox: bool, environ: Mapping[str, str], ready: Ready, replace_running: bool = False
) -> int:
    """Run the daemon until it is told to stop: 0, or 1 when calls were cut. Raises ConfigError, Taken at the start.

    REPLACE_RUNNING: take the place of a daemon that runs, so that no client finds nobody.
    """
    os.umask(0o077)
    if sys.stderr is not None and sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)  # where the interpreter itself breaks it says in which lines, and no value
    for number in (signal.SIGHUP, signal.SIGUSR1):  # until the loop hears them, nobody is ended by a question
        signal.signal(number, signal.SIG_IGN)
    keep_memory_private()
    raise_file_limit()
    give_way_to_calls()
    given = systemd.handed_over(os.environ)
    config = load(paths.config_file, environ=environ, must_exist=paths.config_told)
    paths = _placed(paths, config, given)
    check_authorities(config.ca_file)
    own_folder(paths.state_dir, "--state-dir", "sluice")
    own_folder(paths.socket.parent, "--socket", f"sluice/{paths.socket.name}")
    with contextlib.ExitStack() as stack:
        held, former = _held(paths, stack, replace_running)
        redactor = Redactor(install_secret(paths.state_dir / "install-secret"))
        output = log.set_up(
            redactor,
            level=config.log.level,
            style=config.log.style,
            file=paths.log_file if config.log.file == "auto" else config.log.file,
            max_bytes=config.log.max_bytes,
            keep=config.log.keep,
            language=config.language,
        )
        stack.callback(log.take_down, output)
        journal = open_journal(config, paths, redactor)
        stack.callback(journal.close)
        app = App(config, paths, redactor, journal, environ=environ, sandbox=sandbox, ready=ready, log_output=output)
        if config.listen is not None:
            app.listener = _listener(config, config.listen, paths, former)
            stack.callback(app.listener.close)
        if former is not None:  # as late as can be: whatever could fail before has not
            former.release()
            held = locks(paths.state_dir, paths.socket, paths.endpoint_file, LEAVE_S)
            for lock in held:
                stack.callback(lock.release)
        sock = given or rundir.bind(paths.socket, over_living=former is not None)
        standing = Standing(paths.socket, held, given=given is not None)
        stack.callback(standing.end)
        app.former = former  # it goes when we serve: what fails before that leaves it where it is
        loop_runner()(app.run(sock, standing), debug=False)  # with it, whatever the environment says, calls are shown
    return 1 if app.cut else 0


def _placed(paths: Paths, config: Config, given: socket.socket | None) -> Paths:
    """The places, with the socket that systemd has made, or that the configuration says. Raises ConfigError."""
    if given is not None:
        where = systemd.path_of(given)
        if paths.socket_told and paths.socket != where:
            raise ConfigError(phrase("systemd.elsewhere", given=str(where), told=str(paths.socket)))
        return replace(paths, socket=where, socket_told=True)
    if config.socket is not None and not paths.socket_told:
        return replace(paths, socket=config.socket, socket_told=True)
    return paths


def _held(paths: Paths, stack: contextlib.ExitStack, replacing: bool) -> tuple[list[rundir.Lock], Former | None]:
    """Our locks; or none, and the daemon that has them and will be asked for them. Raises Taken."""
    try:
        held = locks(paths.state_dir, paths.socket, paths.endpoint_file)
    except Taken:
        if not replacing:
            raise
        written = rundir.read_endpoint(paths.endpoint_file)
        return [], stack.enter_context(Former([paths.socket, *([written] if written else [])]))
    for lock in held:
        stack.callback(lock.release)
    return held, None


def _listener(config: Config, address: tuple[str, int], paths: Paths, former: Former | None) -> Listener:
    """The way in by TCP; shared with the daemon whose place we take, if it has the same. Raises ConfigError, Taken."""
    share = former is not None and former.listens_at(url_of(address))
    return Listener(address, paths.state_dir / "token", config.listen_hosts, share=share)


def open_journal(config: Config, paths: Paths, redactor: Redactor) -> Journal:
    """The journal, writing. It is open before the pacer asks what it remembers."""
    keep = config.journal
    journal = Journal(
        paths.state_dir,
        redactor=redactor,
        bodies=keep.bodies,
        max_bytes=keep.max_bytes,
        max_age_days=keep.max_age_s / 86400,
        max_body_bytes=keep.max_body,
    )
    journal.start()
    return journal
