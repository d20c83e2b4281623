"""Where files and the socket are, as paths. How they are found: daemon.config.folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.config.folders import MAX_SOCKET_PATH as MAX_SOCKET_PATH
from daemon.config.folders import default_folders
from daemon.phrases import Phrase


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
    found = default_folders(environ, socket=str(socket) if socket else None)
    return Paths(
        config_file=Path(found.config_file),
        config_told=found.config_told,
        state_dir=Path(found.state_dir),
        log_dir=Path(found.log_dir),
        socket=Path(found.socket),
        socket_told=found.socket_told,
        sockets=tuple(Path(place) for place in found.sockets),
        refused=found.refused,
    )
