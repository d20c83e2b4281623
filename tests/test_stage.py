"""The stage itself: a search that finds no key, or a run that hides a skip, would be worse than none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stage.canary import HOLD_KEYS, Canary
from stage.visitors import Rpc, RpcError, exchange

ROOT = Path(__file__).resolve().parents[1]
KEY = b"CANARY-7f3a"


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        b"Authorization: Bearer " + KEY,
        b"Basic OkNBTkFSWS03ZjNh",  # ":CANARY-7f3a"
        b"dTpDQU5BUlktN2YzYQ==",  # "u:CANARY-7f3a"
        b"Q0FOQVJZLTdmM2E=",
        KEY.hex().encode(),
    ],
)
def test_a_key_is_found_in_any_form(tmp_path: Path, text: bytes) -> None:
    """Plain, in hex, and in base64 at each alignment: the search finds the key and says where it is."""
    canary = Canary()
    (tmp_path / "journal.db-wal").write_bytes(b"\0" * 100 + text)
    canary.watch(tmp_path)
    (hit,) = canary.finish()
    assert hit.where.endswith("journal.db-wal")
    assert hit.offset >= 100


def test_a_key_across_two_pieces_is_found_once(tmp_path: Path) -> None:
    """Big files are read in pieces; a key on the edge of two is neither missed nor told twice."""
    for before in ((1 << 20) - 3, (1 << 20) - 30, 1 << 20):
        (tmp_path / "daemon.log").write_bytes(b"." * before + KEY + b"." * 100)
        canary = Canary()
        canary.search(tmp_path)
        assert [hit.offset for hit in canary.hits] == [before]


def test_files_that_hold_keys_on_purpose_are_left_out(tmp_path: Path) -> None:
    """The tests' own authinfo and config files are no finding; anything else beside them is."""
    for name in [*HOLD_KEYS, "endpoint.json"]:
        (tmp_path / name).write_bytes(KEY)
    canary = Canary()
    canary.search(tmp_path)
    assert [Path(hit.where).name for hit in canary.hits] == ["endpoint.json"]


def test_clean_files_and_answers_are_no_finding(tmp_path: Path) -> None:
    """Bucket names and ordinary words do not set it off."""
    canary = Canary()
    (tmp_path / "log").write_bytes(b"a canary, key:ma6yb2n5, Q0FO")
    canary.watch(tmp_path)
    canary.see("an answer", "«key:ma6yb2n5»")
    assert canary.finish() == []


def _run(folder: Path, test: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the stage's plugins on one small file."""
    (folder / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "stage.canary", "-p", "stage.verdict", "-c", os.devnull]
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "SLUICE_COUNTS")}
    environment |= {"PYTHONPATH": str(ROOT / "tests"), **env}
    command += ["--rootdir", str(folder), "-p", "no:cacheprovider", str(folder / "test_it.py")]
    return subprocess.run(command, env=environment, cwd=folder, text=True, capture_output=True, timeout=60, check=False)


SKIPS = "import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip('fish is missing')\n"


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_skip_fails_in_ci_only(tmp_path: Path, ci: str, code: int) -> None:
    """Where all is installed a skip fails the run, with its reason; on a person's machine it is only counted."""
    run = _run(tmp_path, SKIPS, CI=ci, SLUICE_COUNTS=str(tmp_path / "counts"))
    assert run.returncode == code, run.stdout
    assert ("fish is missing" in run.stdout) == (code == 1)
    assert (tmp_path / "counts").read_text() == "1 0 1\n"


def test_a_written_key_fails_the_run(tmp_path: Path) -> None:
    """A test that passes but wrote a key fails the run, which names the test and the file."""
    test = f"def test_a(canary, tmp_path):\n    canary.watch(tmp_path)\n    (tmp_path / 'log').write_bytes({KEY!r})\n"
    run = _run(tmp_path, test)
    assert run.returncode == 1
    assert "log: a key at byte 0 (written in test_it.py::test_a)" in run.stdout


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """`answering(piece, ...)` is a socket whose one visitor gets these pieces, and then silence, no end."""
    doors: list[socket.socket] = []

    def listen(*pieces: bytes) -> Path:
        door = socket.socket(socket.AF_UNIX)
        doors.append(door)
        os.chdir(tmp_path)  # a relative name: the path of a socket may have 103 bytes
        door.bind("s")
        door.listen()

        def serve() -> None:
            visitor, _ = door.accept()
            doors.append(visitor)
            visitor.recv(65536)
            for piece in pieces:
                visitor.sendall(piece)

        threading.Thread(target=serve, daemon=True).start()
        return Path("s")

    before = Path.cwd()
    yield listen
    os.chdir(before)
    for door in doors:
        door.close()


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"ab", b"c"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n", b"abc\r\n0\r\n", b"\r\n"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\nX: y\r\n\r\n",),
        (b"HTTP/1.1 204 No Content\r\n\r\n",),
    ],
)
def test_the_visitor_knows_where_an_answer_ends(answering: Callable[..., Path], pieces: tuple[bytes, ...]) -> None:
    """By length, by chunks (also when data look like an end), or by status: it does not wait for the close."""
    assert exchange(answering(*pieces), b"GET / HTTP/1.1\r\n\r\n", 5) == b"".join(pieces)


def test_rpc_keeps_what_comes_unasked(answering: Callable[..., Path]) -> None:
    """Notifications before the answer are kept in order; the result is the one of the request's id."""
    lines = (
        b'{"method":"delta","params":{"text":"a"}}\n{"method":"state","params":{}}\n',
        b'{"id":1,"result":{"n":2}}\n',
    )
    with Rpc(answering(*lines), 5) as client:
        assert client.call("status") == {"n": 2}
        assert [note["method"] for note in client.notifications] == ["delta", "state"]
        assert client.wait_for("delta") == {"text": "a"}


def test_rpc_raises_the_daemons_error(answering: Callable[..., Path]) -> None:
    """An error answer is an exception with the daemon's message, code and data."""
    with Rpc(answering(b'{"id":1,"error":{"code":-32000,"message":"no credit","data":{"call":"c1"}}}\n'), 5) as client:
        with pytest.raises(RpcError, match="no credit") as caught:
            client.call("chat")
        assert (caught.value.code, caught.value.data) == (-32000, {"call": "c1"})


def test_the_sandbox_runs_in_a_thread(sandbox: Callable[..., object]) -> None:
    """The fixture gives a provider that answers over TCP and remembers what it saw."""
    provider = sandbox(requests_per_minute=6)
    host, _, port = provider.host.partition(":")
    with socket.create_connection((host, int(port)), 5) as visitor:
        visitor.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert visitor.recv(65536).startswith(b"HTTP/1.1 ")
    assert [seen.target for seen in provider.seen] == ["/v1/models"]


def test_the_sandbox_runs_as_a_process(sandbox_process: Callable[..., str]) -> None:
    """The fixture gives the URL of `python -m daemon.sandbox`, which then accepts connections."""
    host, _, port = sandbox_process("--minute", "6s").partition("://")[2].rstrip("/").partition(":")
    socket.create_connection((host, int(port)), 5).close()


def test_the_daemon_starts_stops_and_starts_again(sluice: Callable[..., object]) -> None:
    """The fixture gives the real daemon; it survives SIGKILL of its process, and SIGTERM ends it with 0."""
    daemon = sluice()
    first = daemon.pid
    daemon.kill9()
    daemon.restart()
    assert daemon.alive
    assert daemon.pid != first
    assert daemon.stop() == 0
