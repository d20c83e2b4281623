"""The folder is safe or refused, one daemon holds the lock, the socket is private, and its address can be read."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.doors import rundir
from daemon.errors import ConfigError

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: run the tests as root to see another uid refused")
NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: run the tests as root to see another uid refused")
NOBODY = 65534


def test_folder_is_made_for_us_alone(place: Path) -> None:
    """A missing folder is made with mode 0700, parents too, and found good the second time."""
    folder = place / "a" / "b"
    old = os.umask(0o077)
    try:
        rundir.prepare_folder(folder)
        rundir.prepare_folder(folder)
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def _link(folder: Path) -> None:
    real = folder.with_name("real")
    real.mkdir(mode=0o700)
    folder.symlink_to(real)


def _dangling(folder: Path) -> None:
    folder.symlink_to(folder.with_name("nowhere"))


def _file(folder: Path) -> None:
    folder.write_text("")


def _mode(mode: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir()
        folder.chmod(mode)

    return make


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_link, "symbolic link"),
        (_dangling, "cannot be made"),
        (_file, "cannot be made"),
        (_mode(0o755), "chmod 700"),
        (_mode(0o777), "chmod 700"),
        (_mode(0o710), "chmod 700"),
    ],
    ids=["symlink", "dangling symlink", "file", "0755", "0777", "0710"],
)
def test_unsafe_folders_are_refused(place: Path, make: Callable[[Path], None], words: str) -> None:
    """Each unsafe folder is refused with the reason and the mend, and nothing is written into it."""
    folder = place / "run"
    make(folder)
    with pytest.raises(ConfigError, match=words):
        rundir.prepare_folder(folder)
    assert not folder.is_dir() or not list(folder.iterdir())


def test_a_parent_that_others_may_write_is_refused(place: Path) -> None:
    """Whoever may write the parent could swap the folder; the sticky bit makes it safe."""
    parent = place / "shared"
    parent.mkdir()
    parent.chmod(0o777)
    folder = parent / "run"
    folder.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="chmod go-w"):
        rundir.prepare_folder(folder)
    parent.chmod(0o1777)
    rundir.prepare_folder(folder)


@AS_ROOT
def test_a_folder_of_somebody_else_is_refused(place: Path) -> None:
    """A folder that another user owns is refused even if its mode is good."""
    folder = place / "run"
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    with pytest.raises(ConfigError, match=f"belongs to uid {NOBODY}"):
        rundir.prepare_folder(folder)


# ---- the lock


def test_the_second_daemon_learns_who_is_first(place: Path) -> None:
    """Another process cannot take the lock, and hears the pid of the one that has it."""
    lock = rundir.Lock(place / "lock")
    code = (
        "import sys; from pathlib import Path; from daemon.doors import porter, rundir\n"
        "try: rundir.Lock(Path(sys.argv[1]))\n"
        "except rundir.AlreadyRunning as running: print(running.pid)\n"
    )
    run = [sys.executable, "-c", code, str(place / "lock")]
    second = subprocess.run(run, capture_output=True, text=True, timeout=20, check=True)
    assert second.stdout == f"{os.getpid()}\n"
    lock.release()
    lock.release()
    assert rundir.Lock(place / "lock").path == place / "lock"


def test_a_lock_in_one_process_twice(place: Path) -> None:
    """The lock belongs to the open file, so that one process cannot take it twice by mistake either."""
    lock = rundir.Lock(place / "lock")
    with pytest.raises(rundir.AlreadyRunning, match=str(os.getpid())):
        rundir.Lock(place / "lock")
    lock.release()


def test_a_killed_daemon_leaves_no_lock(place: Path) -> None:
    """The kernel frees the lock of a process that was killed; the file that stays means nothing."""
    code = (
        "import sys, time; from pathlib import Path; from daemon.doors.rundir import Lock\n"
        "kept = Lock(Path(sys.argv[1])); print('in', flush=True); time.sleep(60)"
    )
    first = subprocess.Popen([sys.executable, "-c", code, str(place / "lock")], stdout=subprocess.PIPE)
    assert first.stdout is not None
    with first.stdout:
        assert first.stdout.readline() == b"in\n"
        with pytest.raises(rundir.AlreadyRunning):
            rundir.Lock(place / "lock")
        first.kill()
        first.wait(10)
    rundir.Lock(place / "lock").release()


def test_a_lock_that_is_a_link_is_refused(place: Path) -> None:
    """A symbolic link in the lock's place is not followed, and the refusal is one of ours."""
    (place / "lock").symlink_to(place / "elsewhere")
    with pytest.raises(ConfigError, match="lock"):
        rundir.Lock(place / "lock")
    assert not (place / "elsewhere").exists()


# ---- the socket


def test_bind_makes_a_private_socket(place: Path) -> None:
    """The socket file has mode 0600, listens at once, and nothing else is left in the folder."""
    with rundir.bind(place / "s") as sock:
        assert stat.S_IMODE((place / "s").stat().st_mode) == 0o600
        assert [file.name for file in place.iterdir()] == ["s"]
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(place / "s"))
        assert sock.getblocking() is False


def test_a_stale_socket_is_replaced(place: Path) -> None:
    """What a killed daemon left behind does not hinder the next start; neither does its half-made one."""
    for name in ("s", "s.new"):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(place / name))
    with rundir.bind(place / "s"), socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(place / "s"))
        assert [file.name for file in place.iterdir()] == ["s"]


@pytest.mark.parametrize("how", ["it accepts", "too many wait", "it takes datagrams"])
def test_the_socket_of_a_program_that_lives_is_not_touched(place: Path, how: str) -> None:
    """Somebody who has not our lock listens there: refused with what to do, and it listens on. Only a daemon that was
    given the place puts its socket over it."""
    kind = socket.SOCK_DGRAM if how == "it takes datagrams" else socket.SOCK_STREAM
    with contextlib.ExitStack() as stack:
        theirs = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
        theirs.bind(str(place / "s"))
        if kind == socket.SOCK_STREAM:
            theirs.listen(0)
        if how == "too many wait":
            visitor = stack.enter_context(socket.socket(socket.AF_UNIX))
            visitor.connect(str(place / "s"))
        before = (place / "s").lstat()
        with pytest.raises(ConfigError, match=r"another program listens there.*--socket"):
            rundir.bind(place / "s")
        assert os.path.samestat(before, (place / "s").lstat())
        assert [file.name for file in place.iterdir()] == ["s"]
        stack.enter_context(rundir.bind(place / "s", over_living=True))
        assert not os.path.samestat(before, (place / "s").lstat())


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_not_a_socket_is_not_touched(place: Path, kind: str) -> None:
    """A file, folder or link at the socket's path is refused and stays as it was."""
    path = place / "s"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        (place / "real").write_text("precious")
        path.symlink_to(place / "real")
    with pytest.raises(ConfigError, match="not a socket"):
        rundir.bind(path)
    assert path.is_dir() if kind == "folder" else path.read_text() == "precious"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_stands_beside_the_socket_is_a_clear_error(place: Path, kind: str) -> None:
    """Whatever the system says no to becomes one refusal; a file of somebody else is not deleted to make room."""
    beside = place / "s.new"
    beside.mkdir() if kind == "folder" else beside.write_text("precious")
    with pytest.raises(ConfigError, match="cannot be made"):
        rundir.bind(place / "s")
    assert beside.exists()


def test_a_path_that_is_too_long(place: Path) -> None:
    """The message counts the bytes, not the characters, and says how many work."""
    path = place / ("ü" * 60)
    with pytest.raises(
        ConfigError, match=rf"{len(os.fsencode(path))} bytes; more than 103 do not work on every system"
    ):
        rundir.bind(path)


@pytest.mark.parametrize("name", ["s", "~", "ü", "x~", "sluice.sock"])
def test_a_path_as_long_as_can_be(place: Path, name: str) -> None:
    """103 bytes work, whatever the name: the name that the socket has for a moment is no longer, and not the same."""
    above = place / ("x" * (103 - len(os.fsencode(place)) - 1 - len(os.fsencode(name)) - 1))
    above.mkdir(mode=0o700)
    path = above / name
    assert len(os.fsencode(path)) == 103
    with rundir.bind(path), socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(path))
        assert [file.name for file in above.iterdir()] == [name]


# ---- who may come in


def test_an_endpoint_that_cannot_be_put_in_its_place(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half made is left beside it."""

    def refused(*_: object) -> None:
        raise OSError(errno.EIO, "")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OSError, match=r"\[Errno"):
        rundir.write_endpoint(place / "endpoint.json", place / "s", "1.2", 1)
    assert not list(place.glob("endpoint*"))


def test_endpoint_is_written_and_read(place: Path) -> None:
    """Clients find the socket, the pid and the protocol in a file for us alone; a broken file is no address."""
    file = place / "endpoint.json"
    rundir.write_endpoint(file, place / "s", "1.2", 1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {
        "socket": str(place / "s"), "pid": os.getpid(), "version": "1.2", "protocol": 1,
    }  # fmt: skip
    assert rundir.read_endpoint(file) == place / "s"
    for broken in ("", "{}", "[]", "{", "null"):
        file.write_text(broken)
        assert rundir.read_endpoint(file) is None
    assert rundir.read_endpoint(place / "missing") is None


def test_a_parent_that_only_the_private_group_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A umask of 002 is the rule where everybody has a group of his own: that is no danger. Another group's is."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o775)
    monkeypatch.setattr(rundir, "own_group", lambda gid: True)
    rundir.prepare_folder(tmp_path / "home" / "a")
    monkeypatch.setattr(rundir, "own_group", lambda gid: False)
    with pytest.raises(ConfigError, match="can be written by others"):
        rundir.prepare_folder(tmp_path / "home" / "b")
