"""`daemon export`: what other programs get."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.test_forget import Terminal
from cli.test_offline import journal  # noqa: F401 - a fixture
from curl.test_har import checked
from daemon.cli import main
from gateway.scripted import KEY, error
from operations.office import Office


def test_json_lines(journal: tuple[str, str], run: Callable[..., Any]) -> None:  # noqa: F811
    """All calls, oldest first, each whole, with the body where it is kept; with the filters of `calls`; no key."""
    good, bad = journal
    done = run("export")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["id"] for row in rows] == [good, bad]
    assert "body" not in rows[0]["request"]
    assert "Hello" in rows[1]["request"]["body"]
    assert rows[1]["timeline"]
    assert KEY not in done.out
    assert [json.loads(line)["id"] for line in run("export", "--failed").out.splitlines()] == [bad]
    assert run("export", "--model", "nobody").out == ""
    assert "Hello" not in run("export", "--no-bodies").out


def test_an_archive(journal: tuple[str, str], run: Callable[..., Any], home: Path) -> None:  # noqa: F811
    """A file whose name says so is an HTTP Archive, private, in which each entry has what HAR 1.2 makes obligatory, and
    it is told how many. What the failure said is there; with --no-bodies neither that nor the prompt is."""
    done = run("export", "calls.har")
    assert (done.code, "2 calls" in done.out, done.err) == (0, True, "")
    text = (home / "calls.har").read_text()
    assert (home / "calls.har").stat().st_mode & 0o777 == 0o600
    log = json.loads(text)["log"]
    for one in log["entries"]:
        checked(json.dumps({"log": {**log, "entries": [one]}}))
    first, second = log["entries"]
    assert first["request"]["postData"]["comment"] == "the body was not kept"
    assert "Hello" in second["request"]["postData"]["text"]
    assert "insufficient_quota" in second["response"]["content"]["text"]
    assert KEY not in text
    assert {path.name for path in home.iterdir()} >= {"calls.har"}
    assert not list(home.glob(".calls*"))
    bare = run("export", "--format", "har", "--no-bodies").out
    assert len(json.loads(bare)["log"]["entries"]) == 2
    assert "Hello" not in bare
    assert json.loads(run("export", "--format", "har", "--model", "x").out)["log"]["entries"] == []


def test_a_place_that_cannot_be_written(journal: tuple[str, str], run: Callable[..., Any], home: Path) -> None:  # noqa: F811
    """It is said, and what stands there stays."""
    (home / "folder").mkdir()
    for place in ("folder", "nowhere/calls.jsonl"):
        done = run("export", place)
        assert (done.code, "cannot be written" in done.err) == (1, True)
    assert not list(home.glob(".*half*"))


def test_without_a_journal(run: Callable[..., Any], home: Path) -> None:
    """There is nothing to export, and no file is made."""
    done = run("export", "calls.jsonl")
    assert (done.code, "no journal" in done.err) == (1, True)
    assert not (home / "calls.jsonl").exists()


@pytest.mark.parametrize("name", ["calls.jsonl", "calls.har"])
async def test_a_large_journal_is_streamed(home: Path, name: str, capsys: Any) -> None:
    """60 MB of bodies pass through a few MB of memory, and all of them arrive; one that is no text as base64."""
    here = Office(home / "state", *[error(400, "no", kind="invalid_request_error") for _ in range(300)])
    here.journal.start()
    for n in range(300):
        body = b"\xff" * 200_000 if n == 7 else f"prompt {n} ".encode() * 20_000
        await here.world.send(body=body)
    await here.world.pacer.close()
    here.hub.close()
    here.journal.close()
    tracemalloc.start()
    assert main(["export", name]) == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 << 20
    assert "300 calls" in capsys.readouterr().out
    text = (home / name).read_text()
    assert len(text) > 40 << 20
    rows = json.loads(text)["log"]["entries"] if name.endswith("har") else [json.loads(x) for x in text.splitlines()]
    assert len(rows) == 300
    odd = rows[7]["request"]
    assert odd.get("body_base64") or odd["postData"]["_encoding"] == "base64"


def test_a_file_that_is_there(
    journal: tuple[str, str],  # noqa: F811
    run: Callable[..., Any],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is replaced only when somebody agrees; who cannot be asked has to say --yes."""
    file = home / "calls.har"
    file.write_text("mine")
    refused = run("export", "calls.har")
    assert (refused.code, "--yes" in refused.err, file.read_text()) == (1, True, "mine")
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert (run("export", "calls.har").code, file.read_text()) == (1, "mine")
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    done = run("export", "calls.har")
    assert (done.code, "is there already" in done.err, file.read_text() == "mine") == (0, True, False)
    file.write_text("mine")
    assert (run("export", "calls.har", "--yes").code, file.read_text() == "mine") == (0, False)
