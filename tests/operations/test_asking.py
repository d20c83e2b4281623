"""Operations that look, with a real journal."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.errors import InvalidCall, NotFound
from daemon.journal import database, writer
from daemon.model import Limit, Way
from gateway.scripted import KEY, limited, no_credit, ok
from operations.office import Make


async def test_curl_of_a_call_that_waits(office: Make) -> None:
    """Before it has ended, too, by both ids: the queue offers it. A body that cannot be pasted has to be written."""
    here = office(ok(), origin=limited(Limit("requests", 1, 60.0, "minute")))
    await here.world.send()
    waiting = [asyncio.create_task(here.world.send(ref=ref, body=body)) for ref, body in (("a", b"{}"), ("b", b"@x"))]
    await asyncio.sleep(0)
    told = await here.run("curl", call="a")
    assert told["call"] == (await here.run("queue"))["queue"][0]["id"]
    assert "--data-raw '{}'" in told["command"]
    assert f"# Sluice call {told['call']}" in told["command"]
    assert "@request-body" in (await here.run("curl", call="b"))["command"]
    assert "http.client" in (await here.run("curl", call="a", format="python"))["command"]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_status_limits_queue(office: Make) -> None:
    """All at a glance, in plain JSON."""
    here = office(ok())
    await here.world.send()
    await here.journal.flush()
    status = await here.run("status")
    assert status["daemon"]["running"] == 0
    assert status["daemon"]["pid"] == 1
    assert status["journal"]["state"] == "ok"
    assert status["queue"] == (await here.run("queue"))["queue"] == []
    assert status["pools"][0]["host"] == "api.openai.com"
    assert (await here.run("limits"))["pools"]
    json.dumps(status)


async def test_calls_while_the_journal_cannot_be_written(office: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is told beside the answer: since when, and why; the time is that of the first refusal, however
    often the file was opened again meanwhile. Afterwards nothing is said."""
    here = office(ok(), ok(), ok())
    await here.world.send()
    assert "journal" not in await here.run("calls")
    real, full = writer.transact, [True]

    def refuse(*given: object) -> int:
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "transact", refuse)
    await here.world.send()
    told = (await here.run("calls"))["journal"]
    assert (told["state"], "disk is full" in told["why"]) == ("degraded", True)
    here.journal._writer.connection.retry_at = 0.0
    assert not await here.journal.flush()
    assert (await here.run("usage", language="ko"))["journal"]["since"] == told["since"]
    full.clear()
    here.journal._writer.connection.retry_at = 0.0
    assert await here.journal.flush()
    answer = await here.run("calls")
    assert ("journal" in answer, len(answer["calls"])) == (False, 2)
    assert here.journal.health()["since"] is None


async def test_a_journal_that_could_not_be_made(office: Make, tmp_path: Path) -> None:
    """The refusal says why there is none; not that somebody should start a daemon."""
    (tmp_path / "state0").mkdir(mode=0o700)
    (tmp_path / "state0" / "journal.db").mkdir()
    here = office(ok())
    with pytest.raises(NotFound, match=r"no call is written down: .*journal\.db"):
        await here.run("calls")


async def test_calls_while_another_tool_locks_the_journal(office: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are answered as ever, what was there before can be asked for, status says why nothing is written; and when
    the lock is gone all calls are there."""
    monkeypatch.setattr(database, "_PRAGMAS", database._PRAGMAS.replace("busy_timeout = 2000", "busy_timeout = 2"))
    here = office(ok())
    first, _ = await here.world.send()
    await here.journal.flush()
    here.journal._writer.connection._retry_s = 0.02
    tool = sqlite3.connect(here.journal.folder / "journal.db", isolation_level=None)
    tool.execute("BEGIN EXCLUSIVE")
    replies = [await here.world.send() for _ in range(5)]
    assert {reply.status for reply, _ in replies} == {200}
    assert not await here.journal.flush()
    told = (await here.run("status"))["journal"]
    assert (told["state"], told["dropped"]) == ("degraded", 0)
    assert "locked" in told["why"]
    assert (await here.run("show", call=first.call.id))["state"] == "done"
    tool.execute("ROLLBACK")
    tool.close()
    for _ in range(500):
        if await here.journal.flush():
            break
        await asyncio.sleep(0.01)
    rows = (await here.run("calls"))["calls"]
    assert [row["id"] for row in rows] == [reply.call.id for reply, _ in (*reversed(replies), (first, b""))]
    assert (await here.run("status"))["journal"]["why"] is None


async def test_calls_and_show(office: Make) -> None:
    """Each call is in the journal with its end, found by its id, the client's own, `last` and `last-failed`."""
    here = office(ok(), no_credit())
    good, _ = await here.world.send(ref="r1", client="emacs")
    bad, _ = await here.world.send()
    rows = (await here.run("calls"))["calls"]
    assert [row["id"] for row in rows] == [bad.call.id, good.call.id]
    assert [row["id"] for row in (await here.run("calls", failed=True))["calls"]] == [bad.call.id]
    assert [row["id"] for row in (await here.run("calls", client="emacs"))["calls"]] == [good.call.id]
    assert len((await here.run("calls", limit="1"))["calls"]) == 1
    for name, call in [(good.call.id, good), ("r1", good), ("last", bad), ("last-failed", bad)]:
        assert (await here.run("show", call=name))["id"] == call.call.id
    with pytest.raises(NotFound, match="daemon calls"):
        await here.run("show", call="cxxxxxxxx")


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": "many"}, {"model": 5}, {"failed": "perhaps"}, {"since_s": -1}]
)
async def test_wrong_filters(office: Make, params: dict[str, object]) -> None:
    """A filter that cannot be meant is refused."""
    with pytest.raises(InvalidCall):
        await office(ok()).run("calls", **params)


async def test_curl(office: Make) -> None:
    """The command of a failed call has no key; through the daemon it names the socket."""
    here = office(no_credit())
    reply, _ = await here.world.send()
    command = (await here.run("curl", call="last-failed"))["command"]
    assert "api.openai.com/v1/chat/completions" in command
    assert "$OPENAI_API_KEY" in command
    assert KEY not in command
    through = await here.run("curl", call=reply.call.id, via_daemon="1")
    assert "/run/s" in through["command"]
    assert through["call"] == reply.call.id


async def test_curl_goes_the_daemons_way(office: Make) -> None:
    """The command takes the same proxy and trusts the same certificates; one through the daemon leaves that to it."""
    here = office(no_credit())
    await here.world.send()
    here.proxy = "http://me:CANARY-proxy-password@proxy.test:3128"
    command = (await here.run("curl", call="last-failed"))["command"]
    assert "--proxy http://proxy.test:3128" in command
    assert "--cacert /etc/our-ca.pem" in command
    assert "CANARY" not in command
    through = (await here.run("curl", call="last-failed", via_daemon=True))["command"]
    assert "--noproxy" in through
    assert "--cacert" not in through


async def test_curl_names_the_key_that_was_used(office: Make) -> None:
    """Of several keys for one host it is that of the call: in the command, and when it is sent again."""
    way = (Way("work", variable="KEY_WORK"), Way("home", variable="KEY_HOME"))
    here = office(no_credit(), no_credit(), ok(), keys={"KEY_WORK": "CANARY-of-work", "KEY_HOME": KEY})
    await here.world.send()
    origin = here.world.origin_of("api.openai.com")
    assert origin is not None
    here.world.origin = replace(origin, ways=way)
    assert "$KEY_HOME" in (await here.run("curl", call="last-failed"))["command"]
    await here.run("replay", call="last-failed")
    assert here.world.upstream.sent[0].headers == here.world.upstream.sent[1].headers


async def test_curl_in_other_forms(office: Make) -> None:
    """Formats and shells are parameters; the archive has the answer; what there is not is refused."""
    here = office(no_credit())
    await here.world.send()
    for wanted, sign in [
        ({"format": "python"}, "http.client"),
        ({"format": "elisp", "via_daemon": "1"}, "/run/s"),
        ({"shell": "powershell"}, "not tested on Windows"),
    ]:
        command = (await here.run("curl", call="last", **wanted))["command"]
        assert sign in command
        assert KEY not in command
    archive = json.loads((await here.run("curl", call="last", format="har"))["command"])
    assert archive["log"]["entries"][0]["response"]["status"] == 429
    with pytest.raises(InvalidCall, match="there are: curl"):
        await here.run("curl", call="last", format="perl")


async def test_curl_of_a_call_whose_body_was_not_kept(office: Make) -> None:
    """The setting that would keep it is named."""
    here = office(ok())
    await here.world.send()
    with pytest.raises(NotFound, match=r"journal\.bodies"):
        await here.run("curl", call="last")


async def test_curl_of_a_call_whose_body_came_compressed(office: Make) -> None:
    """With a key in it, it was not kept; whoever wants the command reads why, and no form of it holds the key."""
    here = office(no_credit())
    fields = (("Authorization", f"Bearer {KEY}"), ("Content-Encoding", "gzip"))
    await here.world.send(headers=fields, body=gzip.compress(f"it is {KEY}".encode()))
    with pytest.raises(NotFound, match=r"it came compressed \(gzip\)"):
        await here.run("curl", call="last")
    assert (await here.run("explain", call="last"))["curl"] is None


async def test_explain_a_call(office: Make) -> None:
    """As it was explained then, with the curl command; a call that did not fail is said to be fine."""
    here = office(no_credit(), ok())
    bad, _ = await here.world.send(ref="r1")
    told = await here.run("explain", call="last-failed")
    assert (told["call"], told["ref"]) == (bad.call.id, "r1")
    row = await here.run("show", call="last-failed")
    assert (told["at"], told["model"], told["host"]) == (row["ended_at"], row["model"], row["host"])
    assert told["explanation"]["subtype"] == "insufficient_quota"
    assert told["explanation"]["line"] in told["text"] or told["explanation"]["what"] in told["text"]
    assert "curl" in told["text"]
    assert "curl" in told["curl"]
    await asyncio.sleep(0)
    good, _ = await here.world.send(model="gpt-4o-mini", headers=(("Authorization", "Bearer CANARY-other-key"),))
    assert good.status == 200
    fine = await here.run("explain", call="last")
    assert fine["explanation"] is None
    assert "has not failed" in fine["text"]


async def test_explain_a_call_in_another_language(office: Make) -> None:
    """As it was told then, unless another language is asked for; the facts and the evidence stay."""
    here = office(no_credit())
    await here.world.send()
    assert (await here.run("explain", call="last"))["explanation"]["language"] == "en"
    told = await here.run("explain", call="last", language="ko")
    assert told["explanation"]["language"] == "ko"
    assert told["explanation"]["subtype"] == "insufficient_quota"
    assert "insufficient_quota" in told["explanation"]["evidence"]
    assert "크레딧" in told["short"]


async def test_explain_a_text(office: Make) -> None:
    """A pasted text, and an HTTP answer in its parts; `why` tells the rules."""
    here = office(ok())
    told = await here.run(
        "explain", text="429 insufficient_quota: your quota is used up, check plan and billing", why=True
    )
    assert told["explanation"]["subtype"] == "insufficient_quota"
    assert told["text"]
    assert 0 < len(told["short"]) < len(told["text"])
    assert told["why"]
    body = '{"error":{"message":"x","type":"requests","code":"rate_limit_exceeded"}}'
    parts = await here.run("explain", status=429, headers={"retry-after": "3"}, body=body, provider="openai")
    assert parts["explanation"]["family"] == "rate"
    assert parts["explanation"]["retry_after_s"] == 3
    assert "why" not in parts


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"text": 5},
        {"status": "x"},
        {"status": 5},
        {"headers": []},
        {"headers": "a: b"},
        {"text": "x", "provider": "nobody"},
    ],
)
async def test_explain_what(office: Make, params: dict[str, object]) -> None:
    """Without something to explain, it is said what could be given."""
    with pytest.raises(InvalidCall):
        await office(ok()).run("explain", **params)


async def test_subtypes(office: Make) -> None:
    """All kinds of failure, JSON-ready."""
    rows = (await office(ok()).run("subtypes"))["subtypes"]
    assert "insufficient_quota" in {row["subtype"] for row in rows}
    json.dumps(rows)


async def test_the_queue_in_the_language_asked_for(office: Make) -> None:
    """Pools and rows are told in the language of the request, of the connection, or of the daemon, in this order."""
    here = office(ok())
    await here.world.send()
    assert (await here.run("status"))["pools"][0]["words"] == "idle"
    assert (await here.run("limits", language="ko"))["pools"][0]["words"] == "쉬고 있어요"
    await here.run("hello", language="zh")
    assert (await here.run("limits"))["pools"][0]["words"] == "空闲"
    assert (await here.run("status", language=None))["pools"][0]["words"] == "空闲"
    assert (await here.run("limits", language="ko"))["pools"][0]["state"] == "idle"


async def test_a_timeline_in_the_language_asked_for(office: Make) -> None:
    """The steps of a call are told as they are read; what is not asked for stays English."""
    here = office(ok())
    reply, _ = await here.world.send()
    steps = (await here.run("show", call=reply.call.id, language="ko"))["timeline"]
    assert [step["text"] for step in steps][0::2][:2] == ["요청이 들어왔어요", "보냈어요"]
    assert (await here.run("show", call=reply.call.id))["timeline"][-1]["text"] == "done"


async def test_usage(office: Make) -> None:
    """What was used, by whatever one asks for; a word that is none is refused with those that are."""
    here = office(ok())
    for client in ("emacs", "emacs", "notes"):
        await here.world.send(client=client)
    answer = await here.run("usage", by="client", since_s=1e9)
    assert [(row["client"], row["calls"]) for row in answer["rows"]] == [("emacs", 2), ("notes", 1)]
    assert answer["total"]["tokens"] > 0
    assert (answer["total"]["cost"], answer["budgets"]) == (None, [])
    with pytest.raises(InvalidCall, match="client"):
        await here.run("usage", by="colour")
