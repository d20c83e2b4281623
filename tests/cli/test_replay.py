"""`daemon replay` from a journal: when it asks, refuses and sends, and what it says."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import direct, replay
from daemon.cli.outcome import Outcome
from daemon.model import Origin
from gateway.scripted import KEY, no_credit, ok
from operations.office import Office

GOOD = Outcome(200, None, seconds=0.25)


@pytest.fixture
async def failed(home: Path) -> str:
    """The id of a failed call in the journal, left by a daemon that has ended."""
    here = Office(home / "state", ok(), no_credit())
    here.journal.start()
    await here.world.send(ref="good")
    bad, _ = await here.world.send()
    await here.world.pacer.close()
    here.hub.close()
    here.journal.close()
    return bad.call.id


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been sent; each sending works."""
    seen: list[Any] = []

    def send(paths: Any, plain: Any, key: str, times: int) -> list[Outcome]:
        seen.append((plain, key, times))
        return [GOOD] * times

    monkeypatch.setattr(direct, "send", send)
    monkeypatch.setenv("OPENAI_API_KEY", "CANARY-now")
    return seen


class Terminal(io.StringIO):
    """A person at a terminal, who types what it is made of."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_sends_and_compares(failed: str, sent: list[Any], run: Callable[..., Any]) -> None:
    """With --yes it is sent so often with the key of the environment, and said to have been a passing fault."""
    done = run("replay", "last-failed", "-n", "2", "--yes")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("The same call works now: it was a passing fault.\n")
    assert "429 insufficient_quota" in done.out
    (plain, key, times) = sent[0]
    assert (plain.call.id, key, times) == (failed, "CANARY-now", 2)
    assert KEY not in done.out
    assert "CANARY" not in done.out
    assert "Hello" not in done.out


def test_as_json(failed: str, sent: list[Any], run: Callable[..., Any]) -> None:
    """For programs: the first outcome, each further one, and the verdict as a word."""
    answer = json.loads(run("replay", failed, "--yes", "--json", "--direct").out)
    assert (answer["call"], answer["verdict"], answer["first"]["status"]) == (failed, "passing", 429)
    assert [one["status"] for one in answer["again"]] == [200]


def test_failing_again_is_exit_code_1(failed: str, sent: list[Any], run: Any, monkeypatch: Any) -> None:
    """So that a script can ask whether it was a blip."""
    monkeypatch.setattr(direct, "send", lambda *given: [Outcome(429, "insufficient_quota", "No credit.")])
    done = run("replay", failed, "--yes")
    assert (done.code, "It fails in the same way: 429 insufficient_quota. No credit." in done.out) == (1, True)


def test_a_person_is_asked(failed: str, sent: list[Any], run: Any, monkeypatch: Any) -> None:
    """With tokens and host; anything but yes sends nothing."""
    for typed, code in (("y\n", 0), ("\n", 1), ("", 1)):
        sent.clear()
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        done = run("replay", failed)
        assert (done.code, len(sent)) == (code, 1 - code)
        assert "tokens in all, which may cost money. Send it? [y/N]" in done.err
        assert "api.openai.com, model gpt-4o" in done.err


def test_a_script_must_say_yes(failed: str, sent: list[Any], run: Any, monkeypatch: Any) -> None:
    """Without a terminal it refuses, and says what to add."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    done = run("replay", failed)
    assert (done.code, sent) == (1, [])
    assert "--yes" in done.err


def test_without_a_key(failed: str, sent: list[Any], run: Any, monkeypatch: Any) -> None:
    """The variable is named, before anybody is asked anything."""
    monkeypatch.delenv("OPENAI_API_KEY")
    done = run("replay", failed)
    assert (done.code, sent) == (1, [])
    assert "OPENAI_API_KEY" in done.err
    assert "cost" not in done.err


async def test_values_that_were_not_kept(home: Path, sent: list[Any], run: Any, monkeypatch: Any) -> None:
    """Which field is left out is said, with the variable that would bring it back; and not when that is set."""
    here = Office(home / "state", no_credit())
    here.journal.start()
    await here.world.send(headers=(("X-Pass", "CANARY-pass"), ("Authorization", f"Bearer {KEY}")))
    await here.world.pacer.close()
    here.hub.close()
    here.journal.close()
    done = await asyncio.to_thread(run, "replay", "last", "--yes")
    assert done.code == 0
    assert "X-Pass" in done.err
    assert "HEADER_X_PASS" in done.err
    monkeypatch.setenv("HEADER_X_PASS", "CANARY-pass")
    assert "X-Pass" not in (await asyncio.to_thread(run, "replay", "last", "--yes")).err


def test_a_body_that_was_not_kept(failed: str, sent: list[Any], run: Any) -> None:
    """The setting that would keep it is named."""
    done = run("replay", "good", "--yes")
    assert (done.code, "journal.bodies" in done.err) == (1, True)


def test_through_the_daemon(failed: str, sent: list[Any], run: Any, monkeypatch: Any) -> None:
    """The daemon sends it, with our key if we have one; what came of it is read from the journal."""
    asked: list[Any] = []

    def ask(paths: Any, method: str, params: Any, **more: Any) -> Any:
        asked.append((method, params))
        return {"call": "good"}

    monkeypatch.setattr(replay, "ask", ask)
    done = run("replay", failed, "--via-daemon", "--yes")
    assert (done.code, "passing fault" in done.out) == (0, True)
    assert asked == [("replay", {"call": failed, "key": "CANARY-now"})]
    monkeypatch.delenv("OPENAI_API_KEY")
    assert run("replay", failed, "--via-daemon", "--yes").code == 0
    assert asked[-1][1]["key"] is None


def test_without_a_daemon_to_go_through(failed: str, run: Any) -> None:
    """It is said how to start it."""
    done = run("replay", failed, "--via-daemon", "--yes")
    assert (done.code, "start it with `daemon`" in done.err) == (1, True)


async def test_a_sandbox_that_was_started_anew(home: Path, sent: list[Any], run: Any, monkeypatch: Any) -> None:
    """The call goes to the port of the one that runs; when none does, nothing is sent, and it is said that the one to
    which it went has ended."""
    here = Office(home / "state", no_credit(), origin=Origin("api.openai.com", "http://127.0.0.1:99", "openai"))
    here.journal.start()
    await here.world.send()
    await here.world.pacer.close()
    here.hub.close()
    here.journal.close()
    done = await asyncio.to_thread(run, "replay", "last", "--yes")
    assert (done.code, sent) == (1, [])
    assert "a sandbox that has ended" in done.err
    assert "a sandbox that has ended" in (await asyncio.to_thread(run, "curl", "last")).out
    monkeypatch.setattr(replay, "ask", lambda *given, **more: {"sandbox_url": "http://127.0.0.1:7"})
    assert (await asyncio.to_thread(run, "replay", "last", "--yes")).code == 0
    assert sent[0][0].call.origin.url == "http://127.0.0.1:7"


def test_what_it_costs() -> None:
    """Tokens for all sendings together; unknown ones are said to be unknown."""
    row = {"id": "c1", "host": "h", "model": None, "estimate": 1000.0}
    assert "3 times more to h: about 3,000 tokens in all" in replay.cost(row, 3)
    assert "not known" in replay.cost({**row, "estimate": None}, 1)
