"""How the command line finds the daemon and asks it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.client import NotRunning, Remote, Silent, address, ask, wait_for_end
from daemon.config import Paths, default_paths
from daemon.doors.rundir import Lock


@pytest.fixture
def paths() -> Iterator[Paths]:
    """Places of our own, with short names."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    told = {name: str(folder / end) for name, end in [("SLUICE_SOCKET", "s"), ("SLUICE_STATE_DIR", "state")]}
    yield default_paths({"HOME": str(folder), **told})
    shutil.rmtree(folder, ignore_errors=True)


class Daemon:
    """Answers one request with fixed bytes."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.heard: Any = None
        self._answer = answer
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        sock, _ = self._server.accept()
        with sock, sock.makefile("rb") as lines:
            self.heard = json.loads(lines.readline())
            sock.sendall(self._answer)

    def close(self) -> None:
        """Wait for its end."""
        self._thread.join(5)
        self._server.close()


def asked(paths: Paths, answer: bytes, **more: Any) -> tuple[Any, Any]:
    """What a daemon that gives ANSWER hears, and what comes of it: a result or an exception."""
    daemon = Daemon(paths.socket, answer)
    try:
        return daemon, ask(paths, "status", {"a": 1}, **more)
    except (NotRunning, Remote) as refusal:
        return daemon, refusal
    finally:
        daemon.close()


def test_ask(paths: Paths) -> None:
    """One request on a line; notifications before the answer are passed over."""
    daemon, result = asked(paths, b'{"method":"queue","params":{}}\n{"id":1,"result":{"x":2}}\n')
    assert daemon.heard == {"jsonrpc": "2.0", "id": 1, "method": "status", "params": {"a": 1}}
    assert result == {"x": 2}


def test_an_error(paths: Paths) -> None:
    """The daemon's words, and its facts."""
    error = b'{"id":1,"error":{"code":-32004,"message":"no call","data":{"kind":"not_found"}}}\n'
    _, refusal = asked(paths, error)
    assert isinstance(refusal, Remote)
    assert (refusal.message, refusal.facts) == ("no call", {"kind": "not_found"})


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"[1]\n", b"\xff\n", b'{"id":2}\n'])
def test_something_else_answers(paths: Paths, answer: bytes) -> None:
    """What is no answer of ours is said in words."""
    _, refusal = asked(paths, answer)
    assert isinstance(refusal, NotRunning)
    assert str(paths.socket) in refusal.message


def test_no_daemon(paths: Paths) -> None:
    """Neither without a socket nor with one that is dead."""
    with pytest.raises(NotRunning, match="start it with"):
        ask(paths, "status")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(paths.socket))
    with pytest.raises(NotRunning, match="start it with"):
        ask(paths, "status")


def test_a_daemon_that_says_nothing(paths: Paths) -> None:
    """It is not waited for without end."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(paths.socket))
        silent.listen()
        with pytest.raises(NotRunning, match=r"0\.02 s"):
            ask(paths, "status", timeout_s=0.02)


def test_a_path_that_is_too_long(paths: Paths) -> None:
    """Also said in words."""
    with pytest.raises(NotRunning):
        ask(replace(paths, socket=Path("/tmp/" + "x" * 200)), "status")


def test_address(paths: Paths, tmp_path: Path) -> None:
    """As told; else as the daemon wrote it down, if that is there; else where it would be."""
    assert address(paths) == paths.socket
    untold = replace(paths, socket_told=False)
    assert address(untold) == paths.socket
    os.makedirs(paths.state_dir)
    for text, found in [
        (json.dumps({"socket": str(tmp_path)}), tmp_path),
        (json.dumps({"socket": str(tmp_path / "gone")}), paths.socket),
        ("{", paths.socket),
        ("[]", paths.socket),
        ('{"socket":null}', paths.socket),
    ]:
        paths.endpoint_file.write_text(text)
        assert address(untold) == found
        assert address(paths) == paths.socket


def test_who_holds_the_socket_is_told_apart(paths: Paths) -> None:
    """A daemon that hangs, one whose queue of visitors is full, and a stranger are not `no daemon`: starting another
    would not help, and the person is told how to end it."""
    paths.state_dir.mkdir()
    paths.endpoint_file.write_text(json.dumps({"socket": str(paths.socket), "pid": 4711}))
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(paths.socket))
        frozen.listen(0)
        with pytest.raises(Silent, match=r"did not answer in 0\.02 s.*kill 4711"):
            ask(paths, "status", timeout_s=0.02)
        visitors = []
        with contextlib.suppress(BlockingIOError):
            for _ in range(20):
                visitors.append(socket.socket(socket.AF_UNIX))
                visitors[-1].setblocking(False)
                visitors[-1].connect(str(paths.socket))
        with pytest.raises(Silent, match="did not answer"):
            ask(paths, "status", timeout_s=5)
        for visitor in visitors:
            visitor.close()
    paths.socket.unlink()
    assert isinstance(asked(paths, b"HTTP/1.1 400 Bad Request\r\n\r\n")[1], Silent)
    paths.socket.unlink()
    closed = asked(paths, b"")[1]
    assert isinstance(closed, Silent)
    assert "its own user only" in closed.message


def test_a_socket_left_over(paths: Paths) -> None:
    """After kill -9 the file is still there; that is said, since the path alone looks as if somebody were there."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(paths.socket))
    with pytest.raises(NotRunning, match="left over from one that has ended; start it") as caught:
        ask(paths, "status")
    assert not isinstance(caught.value, Silent)
    lock = Lock(paths.socket.with_name(paths.socket.name + ".lock"))
    with pytest.raises(Silent, match="is stopping: it takes nobody new"):
        ask(paths, "status")
    lock.release()


def test_errors_of_any_form(paths: Paths) -> None:
    """A message among the facts, or facts of another type, break nothing."""
    error = b'{"id":1,"error":{"message":"no","data":{"message":"x","self":1}}}\n'
    _, refusal = asked(paths, error)
    assert (refusal.message, refusal.facts) == ("no", {"message": "x", "self": 1})
    paths.socket.unlink()
    _, refusal = asked(paths, b'{"id":1,"error":{"data":[]}}\n')
    assert isinstance(refusal, Remote)


def test_waiting_for_the_end(paths: Paths) -> None:
    """The daemon has ended when its lock is free; without a lock there is none."""
    assert wait_for_end(paths, 0.0)
    lock = Lock(paths.socket.with_name(paths.socket.name + ".lock"))
    assert not wait_for_end(paths, 0.0)
    timer = threading.Timer(0.1, lock.release)
    timer.start()
    assert wait_for_end(paths, 10.0)
    timer.join()
