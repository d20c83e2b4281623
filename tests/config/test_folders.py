"""Folders as texts: the same places as the paths, which tests/config/test_places.py looks at one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config import default_paths
from daemon.config.folders import default_folders
from daemon.errors import ConfigError


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/h"},
        {"HOME": "/h/", "XDG_CACHE_HOME": "/c//d", "XDG_STATE_HOME": "rel"},
        {"HOME": "/h", "SLUICE_SOCKET": "~/s", "SLUICE_STATE_DIR": "/a/../b", "SLUICE_CONFIG": "/c/x.yaml"},
        {"HOME": "", "XDG_RUNTIME_DIR": "relative"},
    ],
)
def test_they_are_where_the_paths_are(environ: dict[str, str]) -> None:
    """A client and the daemon must look at the same places."""
    texts, paths = default_folders(environ), default_paths(environ)
    for name in ("config_file", "state_dir", "log_dir", "socket", "endpoint_file", "log_file"):
        assert Path(getattr(texts, name)) == getattr(paths, name)
    assert tuple(map(Path, texts.sockets)) == paths.sockets
    for name in ("config_told", "socket_told", "refused"):
        assert getattr(texts, name) == getattr(paths, name)


def test_a_home_that_nobody_has() -> None:
    """`~nobody-has-this/s` stays relative, and is refused as such."""
    with pytest.raises(ConfigError, match="SLUICE_SOCKET"):
        default_folders({"HOME": "/h", "SLUICE_SOCKET": "~nobody-has-this-name/s"})
