"""Where files and the socket are, as texts: all that a client needs, and quickly. Nothing is made, only looked at.

Linux and BSD: the XDG directories, where a value that is not absolute is ignored as the specification says. Elsewhere
platformdirs knows. The socket: an explicit place, else a runtime directory that is safe, else the cache in the home.
"""

from __future__ import annotations

import os
import pwd
import stat
import sys
from os.path import expanduser, isabs, join

from daemon import TYPE_CHECKING
from daemon.errors import ConfigError
from daemon.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from daemon.phrases import Phrase

MAX_SOCKET_PATH: Final = 103
"""Bytes: macOS has 104 with the closing NUL, Linux 108."""
_NAME: Final = "sluice"


class Folders:
    """Where everything is. What each is for, `Paths` says."""

    __slots__ = ("config_file", "config_told", "log_dir", "refused", "socket_told", "sockets", "state_dir")

    def __init__(
        self, *, config_file: str, config_told: bool, state_dir: str, log_dir: str, sockets: tuple[str, ...],
        socket_told: bool, refused: tuple[Phrase, ...],
    ) -> None:  # fmt: skip
        """No dataclass: to load those takes as long as all the rest of a command that only asks."""
        self.config_file, self.config_told = config_file, config_told
        self.state_dir, self.log_dir = state_dir, log_dir
        self.sockets, self.socket_told, self.refused = sockets, socket_told, refused

    @property
    def socket(self) -> str:
        """The place to use."""
        return self.sockets[0]

    @property
    def endpoint_file(self) -> str:
        """Where the daemon writes its address: in the home, so that clients with another environment find it."""
        return join(self.state_dir, "endpoint.json")

    @property
    def log_file(self) -> str:
        """The log, unless the configuration names another."""
        return join(self.log_dir, "sluice.log")


def default_folders(environ: Mapping[str, str], *, socket: str | None = None) -> Folders:
    """The places that ENVIRON and the platform say; SOCKET is the configuration's. SLUICE_SOCKET, SLUICE_CONFIG and
    SLUICE_STATE_DIR come first. Raises ConfigError for a socket path that is too long or not absolute."""
    home = _home(environ)
    config_told = _told(environ, "SLUICE_CONFIG")
    state_told = _told(environ, "SLUICE_STATE_DIR")
    config_dir, state_dir, log_dir, cache_dir = _directories(environ, home)
    told = _told(environ, "SLUICE_SOCKET") or socket
    sockets, refused = _sockets(environ, cache_dir) if told is None else ((_short_enough(told),), ())
    return Folders(
        config_file=config_told or join(config_dir, "config.yaml"),
        config_told=config_told is not None,
        state_dir=state_told or state_dir,
        log_dir=join(state_told, "log") if state_told else log_dir,
        sockets=sockets,
        socket_told=told is not None,
        refused=refused,
    )


def _home(environ: Mapping[str, str]) -> str:
    """$HOME, or what the system's list of users says where it is unset or relative."""
    home = environ.get("HOME", "")
    if isabs(home):
        return home
    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        raise ConfigError(phrase("places.no_home", uid=os.geteuid())) from None


def _told(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name)
    if not value:
        return None
    path = expanduser(value)
    if not isabs(path):
        raise ConfigError(phrase("places.relative", name=name, path=value))
    return path


def _directories(environ: Mapping[str, str], home: str) -> tuple[str, str, str, str]:
    """Configuration, state, log, cache."""
    if sys.platform in ("darwin", "win32"):
        import platformdirs  # only here: it takes longer to load than `daemon status` to run

        known = platformdirs.PlatformDirs(_NAME, appauthor=False)
        return known.user_config_dir, known.user_state_dir, known.user_log_dir, known.user_cache_dir
    state = join(_xdg(environ, "XDG_STATE_HOME", join(home, ".local", "state")), _NAME)
    config = join(_xdg(environ, "XDG_CONFIG_HOME", join(home, ".config")), _NAME)
    cache = join(_xdg(environ, "XDG_CACHE_HOME", join(home, ".cache")), _NAME)
    return config, state, join(state, "log"), cache


def _xdg(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name, "")
    return value if isabs(value) else default


def _sockets(environ: Mapping[str, str], cache_dir: str) -> tuple[tuple[str, ...], tuple[Phrase, ...]]:
    """The safe places and why others were refused."""
    runtime = environ.get("XDG_RUNTIME_DIR", "").rstrip("/")
    directories = [runtime] if runtime else []
    if sys.platform.startswith("linux") and f"/run/user/{os.geteuid()}" not in directories:
        directories.append(f"/run/user/{os.geteuid()}")
    places: list[str] = []
    refused: list[Phrase] = []
    for directory in directories:
        place = join(directory, _NAME, "sluice.sock")
        why = _why_unsafe(directory) or (None if _fits(place) else phrase("places.long", most=MAX_SOCKET_PATH))
        if why is None:
            places.append(place)
        elif directory == runtime:
            refused.append(phrase("places.passed_over", folder=directory, why=why))
    last = join(cache_dir, "run", "sluice.sock")
    if _fits(last) or not places:
        places.append(_short_enough(last))
    return tuple(places), tuple(refused)


def _why_unsafe(directory: str) -> str | None:
    """Why a socket should not be put below DIRECTORY, or None when it is safe."""
    if not isabs(directory):
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
        return phrase("places.open", mode=mode, folder=directory)
    return None


def _fits(path: str) -> bool:
    return len(os.fsencode(path)) <= MAX_SOCKET_PATH


def _short_enough(path: str) -> str:
    if not _fits(path):
        length = len(os.fsencode(path))
        raise ConfigError(phrase("places.socket_long", path=path, length=length, most=MAX_SOCKET_PATH))
    return path
