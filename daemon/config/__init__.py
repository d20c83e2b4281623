"""The user's configuration: YAML to frozen settings, and where things are. Only `app` and `cli` import this."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.lazily import lazily

if TYPE_CHECKING:
    from daemon.config.destinations import Origins, origins
    from daemon.config.file import load
    from daemon.config.folders import Folders, default_folders
    from daemon.config.language import language_in
    from daemon.config.places import Paths, default_paths
    from daemon.config.proxy import proxy_lookup
    from daemon.config.settings import Config

__all__ = [
    "Config", "Folders", "Origins", "Paths", "default_folders", "default_paths", "language_in", "load", "origins",
    "proxy_lookup",
]  # fmt: skip

_HOME = {
    "Config": "settings",
    "Folders": "folders",
    "Origins": "destinations",
    "Paths": "places",
    "default_folders": "folders",
    "default_paths": "places",
    "language_in": "language",
    "load": "file",
    "origins": "destinations",
    "proxy_lookup": "proxy",
}

__getattr__ = lazily(__name__, _HOME)
"""A client needs the folders alone."""
