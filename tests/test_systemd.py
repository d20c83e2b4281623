"""What systemd hands over, and what it hears: checked against real descriptors and a real receiver."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon import systemd
from daemon.errors import ConfigError

SPARE = 200
"""A descriptor in the place of the third, which in a test is somebody else's."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short name."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def told(**more: str) -> dict[str, str]:
    """The variables of a process that is meant."""
    return {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "http", **more}


@pytest.fixture
def spare() -> Iterator[Callable[[int], None]]:
    """`spare(fd)` puts a copy of FD at SPARE, inherited by children as systemd's are."""

    def put(fd: int) -> None:
        os.dup2(fd, SPARE, inheritable=True)

    yield put
    try:
        os.close(SPARE)
    except OSError:
        return


def listener(place: Path) -> socket.socket:
    """A Unix socket that listens."""
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(place / "s"))
    sock.listen()
    return sock


def test_a_socket_is_taken(place: Path, spare: Callable[[int], None]) -> None:
    """It works, has a path, does not block, is closed for children, and the variables are gone."""
    environ = told(HOME="/")
    with listener(place) as original:
        spare(original.fileno())
        with systemd.handed_over(environ, SPARE) as sock:  # type: ignore[union-attr]
            assert systemd.path_of(sock) == place / "s"
            assert not os.get_inheritable(sock.fileno())
            assert not sock.getblocking()
            with socket.socket(socket.AF_UNIX) as visitor:
                visitor.connect(str(place / "s"))
                sock.accept()[0].close()
    assert environ == {"HOME": "/"}


@pytest.mark.parametrize("pid", [None, "1", "", "+1", " 1"])
def test_what_is_meant_for_another_process(pid: str | None) -> None:
    """Variables that a parent left behind mean nothing, and do not go on to a child."""
    environ = told()
    del environ["LISTEN_PID"]
    if pid is not None:
        environ["LISTEN_PID"] = pid
    assert systemd.handed_over(environ, SPARE) is None
    assert environ == {}


@pytest.mark.parametrize(
    "more", [{"LISTEN_FDS": "2"}, {"LISTEN_FDS": "0"}, {"LISTEN_FDS": "x"}, {"LISTEN_FDNAMES": "a:b"}]
)
def test_exactly_one(more: dict[str, str]) -> None:
    """Another number of sockets is a unit that was written for something else."""
    with pytest.raises(ConfigError, match="exactly one"):
        systemd.handed_over(told(**more), SPARE)


def _pipe(place: Path) -> Any:
    ends = os.pipe()
    os.close(ends[1])
    return os.fdopen(ends[0])


def _tcp(place: Path) -> Any:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


def _datagram(place: Path) -> Any:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(place / "s"))
    return sock


def _deaf(place: Path) -> Any:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(place / "s"))
    return sock


def _abstract(place: Path) -> Any:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(f"\0{place}")
    sock.listen()
    return sock


def _deleted(place: Path) -> Any:
    sock = listener(place)
    (place / "s").unlink()
    return sock


@pytest.mark.parametrize(
    ("make", "words"),
    [(_pipe, "no socket"), (_tcp, "no Unix"), (_datagram, "no Unix"), (_deaf, "does not listen"),
     (_abstract, "no file"), (_deleted, "no file")],
)  # fmt: skip
def test_what_is_no_such_socket(
    place: Path, spare: Callable[[int], None], make: Callable[[Path], Any], words: str
) -> None:
    """Each is refused with what is wrong and the mend; a descriptor of somebody else is not closed."""
    with make(place) as other:
        spare(other.fileno())
        with pytest.raises(ConfigError, match=words) as caught:
            systemd.handed_over(told(), SPARE)
        assert "install-service" in caught.value.message
        os.fstat(SPARE)


def test_a_descriptor_that_is_not_open() -> None:
    """The variables promise what is not there."""
    with pytest.raises(ConfigError, match="no socket"):
        systemd.handed_over(told(), SPARE)


# ---- what it hears


@pytest.mark.parametrize("abstract", [False, True])
def test_it_hears(place: Path, abstract: bool) -> None:
    """Each message is one datagram in the form of sd_notify; a status stays one line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{place}" if abstract else str(place / "n"))
        receiver.settimeout(5)
        notifier = systemd.Notifier({"NOTIFY_SOCKET": f"@{place}" if abstract else str(place / "n")})
        notifier.ready("serves\nat x")
        assert receiver.recv(999) == b"READY=1\nSTATUS=serves at x"
        notifier.reloading()
        first, second = receiver.recv(999).split(b"\n")
        assert first == b"RELOADING=1"
        assert second.startswith(b"MONOTONIC_USEC=")
        notifier.stopping("lets calls end")
        assert receiver.recv(999) == b"STOPPING=1\nSTATUS=lets calls end"
        notifier.alive()  # no WatchdogSec: nothing is sent
        notifier.send("X=1")
        assert receiver.recv(999) == b"X=1"


def test_a_watchdog(place: Path) -> None:
    """It is fed when WatchdogSec is set for this process, and only then."""
    pid = str(os.getpid())
    usec = [("2000000", None, 2.0), ("2000000", pid, 2.0), ("2000000", "1", None), ("0", pid, None), ("-1", pid, None)]
    for given, whose, seconds in usec:
        environ = {"WATCHDOG_USEC": given} | ({"WATCHDOG_PID": whose} if whose else {})
        assert systemd.Notifier(environ).watchdog_s == seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(place / "n"))
        receiver.settimeout(5)
        systemd.Notifier({"NOTIFY_SOCKET": str(place / "n"), "WATCHDOG_USEC": "1000"}).alive()
        assert receiver.recv(99) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "relative", "/no/such/socket", "vsock:2:1"])
def test_nobody_hears(address: str) -> None:
    """Without a receiver nothing happens, and nothing breaks."""
    systemd.Notifier({"NOTIFY_SOCKET": address}).ready("x")
    systemd.Notifier({}).ready("x")
