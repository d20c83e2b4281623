"""Where files and the socket are."""

import os
import sys
from pathlib import Path

import pytest

from daemon.config import default_paths
from daemon.errors import ConfigError

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="XDG directories are Linux's")


def test_the_usual_places(tmp_path: Path) -> None:
    """XDG's directories below the home."""
    paths = default_paths({"HOME": str(tmp_path)})
    assert paths.config_file == tmp_path / ".config/sluice/config.yaml"
    assert paths.state_dir == tmp_path / ".local/state/sluice"
    assert paths.log_file == tmp_path / ".local/state/sluice/log/sluice.log"
    assert paths.endpoint_file == paths.state_dir / "endpoint.json"
    assert paths.rules_dir == tmp_path / ".config/sluice/rules"
    assert not paths.config_told
    assert not paths.socket_told


def test_the_environment_goes_first() -> None:
    """SLUICE_* and XDG_*, where they are absolute."""
    paths = default_paths({
        "HOME": "/h", "SLUICE_CONFIG": "/c/x.yaml", "SLUICE_STATE_DIR": "/s", "SLUICE_SOCKET": "/r/s.sock",
        "XDG_CACHE_HOME": "relative"})  # fmt: skip
    assert (paths.config_file, paths.config_told) == (Path("/c/x.yaml"), True)
    assert (paths.state_dir, paths.log_dir) == (Path("/s"), Path("/s/log"))
    assert (paths.socket, paths.sockets, paths.socket_told) == (Path("/r/s.sock"), (Path("/r/s.sock"),), True)
    assert default_paths({"HOME": "/h", "XDG_STATE_HOME": "/xdg"}).state_dir == Path("/xdg/sluice")
    assert default_paths({"HOME": "/h", "XDG_STATE_HOME": "xdg"}).state_dir == Path("/h/.local/state/sluice")
    assert default_paths({"HOME": "/h"}, socket=Path("/c/s.sock")).socket == Path("/c/s.sock")


def test_relative_places_are_refused() -> None:
    """What depends on where one stands is different for daemon and client."""
    with pytest.raises(ConfigError, match="SLUICE_SOCKET"):
        default_paths({"HOME": "/h", "SLUICE_SOCKET": "s.sock"})


def test_a_safe_runtime_directory_is_taken(tmp_path: Path) -> None:
    """Private and one's own: the socket goes there, and the cache in the home is next."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    paths = default_paths({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime)})
    assert paths.socket == runtime / "sluice" / "sluice.sock"
    assert paths.sockets[-1] == tmp_path / ".cache/sluice/run/sluice.sock"
    assert paths.refused == ()


@pytest.mark.parametrize("kind", ["open", "link", "missing", "relative", "file"])
def test_an_unsafe_runtime_directory_is_passed_over(tmp_path: Path, kind: str) -> None:
    """Each danger is named, and another place is used."""
    runtime = tmp_path / "run"
    if kind in ("open", "link"):
        runtime.mkdir(mode=0o700)
    if kind == "open":
        runtime.chmod(0o755)
    elif kind == "link":
        (tmp_path / "real").mkdir(mode=0o700)
        runtime.rmdir()
        runtime.symlink_to(tmp_path / "real")
    elif kind == "file":
        runtime.write_text("")
    given = "run" if kind == "relative" else str(runtime)
    paths = default_paths({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": given})
    assert runtime not in paths.socket.parents
    assert len(paths.refused) == 1
    assert paths.refused[0].startswith(f"XDG_RUNTIME_DIR={given} is not used")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a directory to another user needs root")
def test_another_users_runtime_directory(tmp_path: Path) -> None:
    """`su` with the environment kept."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    os.chown(runtime, 65534, 65534)
    paths = default_paths({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime)})
    assert "another user (uid 65534)" in paths.refused[0]


def test_socket_paths_have_a_bound() -> None:
    """103 bytes go, 104 do not, counted in bytes; a place that is too long by itself is passed over."""
    fits = "/" + "s" * 102
    assert default_paths({"HOME": "/h", "SLUICE_SOCKET": fits}).socket == Path(fits)
    with pytest.raises(ConfigError, match=r"has 104 bytes; more than 103 do not work on every system .* with --socket"):
        default_paths({"HOME": "/h", "SLUICE_SOCKET": fits + "s"})
    with pytest.raises(ConfigError, match="has 105 bytes"):
        default_paths({"HOME": "/h", "SLUICE_SOCKET": "/" + "é" * 52})


def test_without_a_home() -> None:
    """The system's list of users knows it."""
    assert default_paths({}).state_dir.is_absolute()
    assert default_paths({"HOME": "relative"}).state_dir.is_absolute()
