"""What a daemon must hold before it serves."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.doors import claim
from daemon.doors.rundir import Lock, write_endpoint
from daemon.errors import ConfigError


def test_a_shared_folder_is_refused(tmp_path: Path) -> None:
    """In the folder of all users nobody is told to make that private, but where to go; and by the right option."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(ConfigError, match=r"for all users.*for example --socket .*/shared/sluice/s$"):
        claim.own_folder(shared, "--socket", "sluice/s")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="choose another place with --state-dir"):
        claim.own_folder(tmp_path / "file", "--state-dir", "sluice")
    tmp_path.chmod(0o700)
    claim.own_folder(tmp_path / "new", "--socket", "s")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_folder_in_which_somebody_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told to close his home, or a folder with other things in it, but to take one of its own below; one that
    is for Sluice alone is to be closed."""
    home, project, own = (tmp_path / name for name in ("home", "project", "own"))
    for folder in (home, project, own, project / "src"):
        folder.mkdir()
        folder.chmod(0o755)  # whatever the umask is
    monkeypatch.setenv("HOME", str(home))
    for folder in (home, project):
        with pytest.raises(ConfigError, match=rf"not Sluice's alone.* --socket {folder}/sluice/s$"):
            claim.own_folder(folder, "--socket", "sluice/s")
    with pytest.raises(ConfigError, match=f"run: chmod 700 {own}"):
        claim.own_folder(own, "--socket", "sluice/s")


def test_whoever_is_second_learns_what_to_do(place: Path) -> None:
    """The same state or the same socket: who runs, how to see and end that one, how to run a second. No lock stays."""
    endpoint = place / "endpoint.json"
    write_endpoint(endpoint, place / "first socket", "1", 1)
    for taken, where in ((place / "lock", "first socket"), (place / "s.lock", "/s")):
        held = Lock(taken)
        with pytest.raises(claim.Taken) as caught:
            claim.locks(place, place / "s", endpoint)
        for words in (f"(pid {os.getpid()})", "daemon status --socket", "daemon stop", "--state-dir DIR", where):
            assert words in caught.value.message
        held.release()
    for lock in claim.locks(place, place / "s", endpoint):
        lock.release()
    Lock(place / "lock").release()


def test_locks_are_waited_for(place: Path) -> None:
    """Who is let in waits until the locks are free, and takes them then."""
    held = Lock(place / "lock")
    threading.Timer(0.1, held.release).start()
    for lock in claim.locks(place, place / "s", place / "endpoint.json", patience_s=20.0):
        lock.release()


@contextmanager
def answering(path: Path, *answers: object) -> Iterator[list[dict[str, object]]]:
    """A daemon at PATH that gives these answers, one to a request, and then hangs up. Yields what it was asked."""
    asked: list[dict[str, object]] = []

    def serve() -> None:
        visitor, _ = door.accept()
        with visitor, visitor.makefile("rwb") as lines:
            for answer in answers:
                asked.append(json.loads(lines.readline()))
                lines.write((answer if isinstance(answer, bytes) else json.dumps(answer).encode()) + b"\n")
                lines.flush()

    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield asked
        thread.join(20)


def test_a_former_daemon_is_asked_twice(place: Path) -> None:
    """First for its locks, then to go; a socket at which nobody answers is passed over."""
    answers = ({"id": 1, "result": {}}, {"id": 2, "result": {}})
    with answering(place / "s", *answers) as asked, claim.Former([place / "nobody", place / "s"]) as former:
        former.release()
        former.leave()
    assert [one["method"] for one in asked] == ["hand_over", "hand_over"]
    assert [one["params"] for one in asked] == [{"done": False}, {"done": True}]


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"id": 1, "error": {"message": "no such operation"}}, "no such operation"), (b"hello", "keeps its place")],
    ids=["an older daemon", "a stranger"],
)
def test_one_that_keeps_its_place(place: Path, answer: object, words: str) -> None:
    """Whatever it says but yes, the reason and the way out are told."""
    with answering(place / "s", answer), claim.Former([place / "s"]) as former, pytest.raises(claim.Taken) as caught:
        former.release()
    assert words in caught.value.message
    assert "daemon stop" in caught.value.message


def test_nobody_to_ask(place: Path) -> None:
    """A lock that is held while nobody answers: wait a moment."""
    with pytest.raises(claim.Taken, match="try again in a moment"):
        claim.Former([place / "s"])
