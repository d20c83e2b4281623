"""Our locks, and our socket's file, while we serve."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from daemon.doors import rundir
from daemon.doors.standing import Standing
from daemon.errors import ConfigError


@contextlib.contextmanager
def stands(place: Path, given: bool = False):  # type: ignore[no-untyped-def]
    """A standing at PLACE/s, with its lock."""
    lock = rundir.Lock(place / "lock")
    with rundir.bind(place / "s"):
        standing = Standing(place / "s", [lock], given=given)
        try:
            yield standing
        finally:
            standing.end()


def test_nothing_to_mend(place: Path) -> None:
    """While all is in its place a look changes nothing."""
    with stands(place) as standing:
        assert standing.look() is None
        assert {file.name for file in place.iterdir()} == {"lock", "s"}
    assert not (place / "s").exists()


@pytest.mark.parametrize("how", ["deleted", "another's"])
def test_a_socket_that_is_gone_is_made_again(place: Path, how: str) -> None:
    """Deleted, or replaced by the socket of somebody without our lock: a new one listens there, and goes with us."""
    with stands(place) as standing, contextlib.ExitStack() as stack:
        (place / "s").rename(place / "moved")  # its number is not given again while it is there
        if how == "another's":
            other = stack.enter_context(socket.socket(socket.AF_UNIX))
            other.bind(str(place / "s"))
        fresh = standing.look()
        assert fresh is not None
        with fresh, socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(place / "s"))
            assert standing.look() is None
    assert not (place / "s").exists()


def test_a_file_in_the_place_of_the_socket_stays(place: Path) -> None:
    """Somebody's file there is not touched; the refusal says what to do, and at the end it is still there."""
    with stands(place) as standing:
        (place / "s").unlink()
        (place / "s").write_text("precious")
        with pytest.raises(ConfigError, match="not a socket"):
            standing.look()
    assert (place / "s").read_text() == "precious"


def test_a_lock_file_that_is_gone_is_made_again(place: Path) -> None:
    """Without that a second daemon would find no lock, and both would run."""
    with stands(place) as standing:
        (place / "lock").unlink()
        standing.look()
        with pytest.raises(rundir.AlreadyRunning, match=str(os.getpid())):
            rundir.Lock(place / "lock")


def test_a_second_daemon_that_was_quicker(place: Path) -> None:
    """The lock's file was deleted and another daemon has it now: we hear so, and its socket stays when we end."""
    with stands(place) as standing:
        (place / "lock").unlink()
        second = rundir.Lock(place / "lock")
        with rundir.bind(place / "s", over_living=True):
            with pytest.raises(rundir.AlreadyRunning):
                standing.look()
            standing.end()
            assert (place / "s").exists()
        second.release()


def test_given_away_and_taken_back(place: Path) -> None:
    """Free locks can be had by another; while they are free nothing is mended; taken back, they are held again."""
    with stands(place) as standing:
        standing.release()
        (place / "s").unlink()
        assert standing.look() is None
        other = rundir.Lock(place / "lock")
        with pytest.raises(rundir.AlreadyRunning):
            standing.regain()
        assert standing.free
        other.release()
        standing.regain()
        with pytest.raises(rundir.AlreadyRunning):
            rundir.Lock(place / "lock")
        with standing.look():
            assert (place / "s").exists()


def test_a_socket_of_systemd_is_not_ours(place: Path) -> None:
    """It is neither removed at the end nor made again, but the way to have it again is told."""
    with stands(place, given=True) as standing:
        standing.end()
        assert (place / "s").exists()
        (place / "s").unlink()
        with pytest.raises(ConfigError, match="systemctl --user restart"):
            standing.look()


def test_a_socket_that_is_of_no_use(place: Path) -> None:
    """Nobody could accept on it: the next look makes another."""
    with stands(place) as standing:
        standing.forget()
        with standing.look() as fresh, socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(place / "s"))
            assert fresh.fileno() >= 0
        assert standing.look() is None
