"""Where files and the socket are. Nothing is made here, only looked at.

Linux and BSD: the XDG directories, where a value that is not absolute is ignored as the specification says. Elsewhere
platformdirs knows. The socket: an explicit place, else a runtime directory that is safe, else the cache in the home.
"""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from daemon.errors import ConfigError
from daemon.phrases import Phrase, phrase

MAX_SOCKET_PATH: Final = 103
"""Bytes: macOS has 104 with the closing NUL, Linux 108."""
_NAME: Final = "sluice"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where everything is."""

    config_file: Path
    config_told: bool
    """The user named the file: then it must exist."""
    state_dir: Path
    log_dir: Path
    socket: Path
    """The place to use: the first of `sockets`."""
    socket_told: bool
    """The user named the place."""
    sockets: tuple[Path, ...]
    """All safe places, best first. A client looks into `endpoint_file` before it tries these."""
    refused: tuple[Phrase, ...] = ()
    """Places that were passed over, and why."""

    @property
    def endpoint_file(self) -> Path:
        """Where the daemon writes its address: in the home, so that clients with another environment find it."""
        return self.state_dir / "endpoint.json"

    @property
    def log_file(self) -> Path:
        """The log, unless the configuration names another."""
        return self.log_dir / "sluice.log"

    @property
    def rules_dir(self) -> Path:
        """The user's own rules for explanations."""
        return self.config_file.parent / "rules"


def default_paths(environ: Mapping[str, str], *, socket: Path | None = None) -> Paths:
    """The places that ENVIRON and the platform say; SOCKET is the configuration's. SLUICE_SOCKET, SLUICE_CONFIG and
    SLUICE_STATE_DIR come first. Raises ConfigError for a socket path that is too long or not absolute."""
    home = _home(environ)
    config_told = _told(environ, "SLUICE_CONFIG")
    state_told = _told(environ, "SLUICE_STATE_DIR")
    config_dir, state_dir, log_dir, cache_dir = _directories(environ, home)
    told = _told(environ, "SLUICE_SOCKET") or socket
    sockets, refused = _sockets(environ, cache_dir) if told is None else ((_short_enough(told),), ())
    return Paths(
        config_file=config_told or config_dir / "config.yaml",
        config_told=config_told is not None,
        state_dir=state_told or state_dir,
        log_dir=state_told / "log" if state_told else log_dir,
        socket=sockets[0],
        socket_told=told is not None,
        sockets=sockets,
        refused=refused,
    )


def _home(environ: Mapping[str, str]) -> Path:
    """$HOME, or what the system's list of users says where it is unset or relative."""
    home = Path(environ.get("HOME", ""))
    if home.is_absolute():
        return home
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        raise ConfigError(phrase("places.no_home", uid=os.geteuid())) from None


def _told(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name)
    if not value:
        return None
    path = Path(value).expanduser()
    if not path.is_absolute():
        raise ConfigError(phrase("places.relative", name=name, path=value))
    return path


def _directories(environ: Mapping[str, str], home: Path) -> tuple[Path, Path, Path, Path]:
    """Configuration, state, log, cache."""
    if sys.platform in ("darwin", "win32"):
        import platformdirs  # only here: it takes longer to load than `daemon status` to run

        known = platformdirs.PlatformDirs(_NAME, appauthor=False)
        return known.user_config_path, known.user_state_path, known.user_log_path, known.user_cache_path
    state = _xdg(environ, "XDG_STATE_HOME", home / ".local" / "state") / _NAME
    config = _xdg(environ, "XDG_CONFIG_HOME", home / ".config") / _NAME
    cache = _xdg(environ, "XDG_CACHE_HOME", home / ".cache") / _NAME
    return config, state, state / "log", cache


def _xdg(environ: Mapping[str, str], name: str, default: Path) -> Path:
    value = Path(environ.get(name, ""))
    return value if value.is_absolute() else default


def _sockets(environ: Mapping[str, str], cache_dir: Path) -> tuple[tuple[Path, ...], tuple[Phrase, ...]]:
    """The safe places and why others were refused."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    directories = [Path(runtime)] if runtime else []
    if sys.platform.startswith("linux") and Path(f"/run/user/{os.geteuid()}") not in directories:
        directories.append(Path(f"/run/user/{os.geteuid()}"))
    places: list[Path] = []
    refused: list[Phrase] = []
    for directory in directories:
        place = directory / _NAME / "sluice.sock"
        why = _why_unsafe(directory) or (None if _fits(place) else phrase("places.long", most=MAX_SOCKET_PATH))
        if why is None:
            places.append(place)
        elif directory == Path(runtime):
            refused.append(phrase("places.passed_over", folder=str(directory), why=why))
    last = cache_dir / "run" / "sluice.sock"
    if _fits(last) or not places:
        places.append(_short_enough(last))
    return tuple(places), tuple(refused)


def _why_unsafe(directory: Path) -> str | None:
    """Why a socket should not be put below DIRECTORY, or None when it is safe."""
    if not directory.is_absolute():
        return phrase("places.not_absolute")
    try:
        about = os.lstat(directory)
    except OSError as error:
        return error.strerror.lower() if error.strerror else phrase("places.unreadable")
    if not stat.S_ISDIR(about.st_mode):
        return phrase("places.no_directory")
    if about.st_uid != os.geteuid():
        return phrase("places.anothers", uid=about.st_uid)
    if about.st_mode & 0o077:
        mode = f"{stat.S_IMODE(about.st_mode):04o}"
        return phrase("places.open", mode=mode, folder=str(directory))
    return None


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= MAX_SOCKET_PATH


def _short_enough(path: Path) -> Path:
    if not _fits(path):
        length = len(os.fsencode(path))
        raise ConfigError(phrase("places.socket_long", path=str(path), length=length, most=MAX_SOCKET_PATH))
    return path
