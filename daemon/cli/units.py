"""`daemon install-service`: writes what systemd or launchd needs to start the daemon, and says what to do next.

It writes files and nothing else: whoever reads the next command and runs it knows what happens.
"""

from __future__ import annotations

import argparse
import os
import plistlib
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from daemon.cli.language import chosen
from daemon.cli.options import environment, paths
from daemon.cli.terminal import say
from daemon.config import load
from daemon.errors import Refusal
from daemon.phrases import phrase, teller
from daemon.whole import whole_file

MARK: Final = "install-service`, and"
"""Stands in a comment of each file that we have written, and so may write again."""

LABEL: Final = "sluice.daemon"
LEAST_STOP_S: Final = 40
UNITS: Final = ("sluice.socket", "sluice.service")
WANTED_BY: Final = ("sockets.target.wants/sluice.socket", "default.target.wants/sluice.service")

Kind = Literal["systemd", "launchd"]


@dataclass(frozen=True, slots=True)
class File:
    """A file that is written, or removed."""

    path: Path
    text: str


def run(options: argparse.Namespace) -> None:
    """Write the files, or remove or only show them. Raises Refusal, and ConfigError for a wrong configuration."""
    environ, tell = environment(options), teller(chosen(options))
    kind = wanted(options, environ)
    units = files_of(kind, options, environ)
    for file in units:
        _refuse_stranger(file.path)
    if options.remove and not _there(units):
        say([tell("units.nothing")])
        return
    step = _removed if options.remove else _written
    say(step(units, options.dry_run, tell))
    say([tell("units.next"), "", *(f"    {line}" for line in next_commands(kind, units, remove=options.remove)), ""])
    if kind == "systemd" and not options.remove:
        say([tell("units.linger")])


def wanted(options: argparse.Namespace, environ: Mapping[str, str]) -> Kind:
    """Which of the two: as told, else what this system has. Raises Refusal where there is neither."""
    if options.launchd or options.systemd:
        return "launchd" if options.launchd else "systemd"
    if sys.platform == "darwin":
        return "launchd"
    if shutil.which("systemctl", path=environ.get("PATH", os.defpath)):
        return "systemd"
    raise Refusal(phrase("units.neither"))


def files_of(kind: Kind, options: argparse.Namespace, environ: Mapping[str, str]) -> list[File]:
    """What is written for KIND."""
    where = paths(options)
    config = load(where.config_file, environ=environ, must_exist=where.config_told)
    stop_s = max(LEAST_STOP_S, int(config.drain_s * 2) + 1)
    home = Path(environ.get("HOME") or "~").expanduser()
    if kind == "launchd":
        template = _data("sluice.plist")
        plist = plistlib.loads(template.encode()) | {"ProgramArguments": command(options), "ExitTimeOut": stop_s}
        head, mark, body = plistlib.dumps(plist).decode().partition("<plist")
        text = head + template[template.index("<!--") : template.index("-->")] + "-->\n" + mark + body
        return [File(home / "Library" / "LaunchAgents" / f"{LABEL}.plist", text)]
    words = command(options, socket_told=False)
    filled = {
        "@COMMAND@": " ".join(map(systemd_word, words)),
        "@SOCKET@": str(where.socket).replace("%", "%%") if where.socket_told else "%t/sluice/sluice.sock",
        "@STOP_S@": str(stop_s),
    }
    folder = systemd_folder(environ, home)
    return [File(folder / name, _filled(_data(name), filled)) for name in UNITS]


def systemd_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where systemd looks for the units of a user."""
    config = Path(environ.get("XDG_CONFIG_HOME", ""))
    return (config if config.is_absolute() else home / ".config") / "systemd" / "user"


def command(options: argparse.Namespace, *, socket_told: bool = True) -> list[str]:
    """How this daemon is started, with the places that were told; the socket's only where nobody hands it over."""
    beside = Path(sys.executable).with_name("sluice")
    words = [str(beside)] if beside.is_file() else [sys.executable, "-m", "daemon"]
    words.append("serve")
    if options.config:
        words += ["--config", options.config]
    if options.state_dir:
        words += ["--state-dir", options.state_dir]
    if socket_told and options.socket:
        words += ["--socket", options.socket]
    return words


def systemd_word(word: str) -> str:
    """WORD as one argument of ExecStart: `%` and `$` mean something there, also within quotes."""
    word = word.replace("%", "%%").replace("$", "$$")
    if word and not any(letter in " \t\"'\\;" for letter in word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _filled(text: str, values: Mapping[str, str]) -> str:
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _data(name: str) -> str:
    return (files("daemon") / "data" / "units" / name).read_text("utf-8")


def _refuse_stranger(path: Path) -> None:
    """Raise Refusal for a file that somebody else has written."""
    if path.is_symlink() or (path.exists() and MARK not in path.read_text("utf-8", "replace")):
        raise Refusal(phrase("units.stranger", file=str(path)))


def _written(units: list[File], dry: bool, tell: Callable[..., str]) -> Iterator[str]:
    for file in units:
        if not dry:
            _write(file)
        yield tell("units.would" if dry else "units.wrote", file=str(file.path))
        yield from ("", *(f"    {line}" for line in file.text.splitlines()), "")


def _write(file: File) -> None:
    """Write it, whole or not at all. Raises Refusal."""
    beside = file.path.with_name(f".{file.path.name}.new")
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file.path, beside) as out:
            os.fchmod(out.fileno(), 0o644)
            out.write(file.text.encode())
    except OSError as error:
        raise Refusal(phrase("units.unwritable", file=str(file.path), why=str(error.strerror or error))) from None


def _removed(units: list[File], dry: bool, tell: Callable[..., str]) -> Iterator[str]:
    """The files, and the links by which they were enabled."""
    for path in _there(units):
        if not dry:
            path.unlink()
        yield tell("units.would_remove" if dry else "units.removed", file=str(path))
    yield ""


def _there(units: list[File]) -> list[Path]:
    """Which of the files are there, and of the links by which they were enabled."""
    links = [file.path.parent / name for file in units[:1] if file.path.suffix == ".socket" for name in WANTED_BY]
    return [path for path in (*links, *(file.path for file in units)) if path.is_symlink() or path.exists()]


def next_commands(kind: Kind, units: list[File], *, remove: bool) -> list[str]:
    """What the person types next."""
    if kind == "launchd":
        user = "gui/$(id -u)"
        words = ("bootout", f"{user}/{LABEL}") if remove else ("bootstrap", user, shlex.quote(str(units[0].path)))
        return [" ".join(("launchctl", *words))]
    told = ("stop", *UNITS) if remove else ("enable", "--now", *UNITS)
    steps = [" ".join(("systemctl", "--user", *words)) for words in (told, ("daemon-reload",))]
    return steps if remove else steps[::-1]
