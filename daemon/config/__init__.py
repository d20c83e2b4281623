"""The user's configuration: YAML to frozen settings, and where things are. Only `app` and `cli` import this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.config.places import Paths, default_paths

if TYPE_CHECKING:
    from daemon.config.destinations import Origins, origins
    from daemon.config.file import language_in, load
    from daemon.config.proxy import proxy_lookup
    from daemon.config.settings import Config

__all__ = ["Config", "Origins", "Paths", "default_paths", "language_in", "load", "origins", "proxy_lookup"]

_HOME = {
    "Config": "settings",
    "Origins": "destinations",
    "language_in": "file",
    "load": "file",
    "origins": "destinations",
    "proxy_lookup": "proxy",
}


def __getattr__(name: str) -> Any:
    """Load the rest when it is asked for: `daemon status` needs the paths alone."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
