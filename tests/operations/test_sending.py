"""chat and call."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from daemon.errors import InvalidCall, UnknownHost
from daemon.model import Origin, Priority
from daemon.operations.sending import CallFailed
from gateway.scripted import DONE, KEY, SSE, chat_answer, error, event, no_credit, ok, rate_limited
from operations.office import Make

STREAM = (event("Hel"), event("lo"), event(finish_reason="stop"), DONE)
ASK: dict[str, Any] = {
    "host": "api.openai.com",
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Hi"}],
    "key": KEY,
}


def body_sent(here: Any) -> Any:
    """The JSON that went upstream."""
    return json.loads(here.world.upstream.sent[-1].body)


def headers_sent(here: Any) -> dict[str, str]:
    """The header fields that went upstream."""
    return {name.lower(): value.reveal() for name, value in here.world.upstream.sent[-1].headers}


# ---- chat


async def test_chat_streamed(office: Make) -> None:
    """The text comes in deltas and whole, with finish and usage; states are told with the request's id."""
    here = office(ok(*STREAM, headers=SSE))
    result = await here.run("chat", 7, **ASK)
    assert result["text"] == "Hello"
    assert result["finish"] == "stop"
    assert (result["model"], result["host"]) == ("gpt-4o", "api.openai.com")
    assert [text for _, _, text in here.session.texts] == ["Hel", "lo"]
    assert {(tag, call) for tag, call, _ in here.session.texts} == {(7, result["id"])}
    states = [params for method, params in here.session.notes if method == "state"]
    assert [state["state"] for state in states][:3] == ["queued", "admitted", "sent"]
    assert all(state["id"] == 7 and state["call"] == result["id"] for state in states)
    assert not here.world.gateway.running


async def test_chat_whole(office: Make) -> None:
    """Without streaming there are no deltas."""
    here = office(ok())
    result = await here.run("chat", **ASK, stream=False)
    assert (result["text"], result["usage"]) == ("Hi", {"input": 9, "output": 2})
    assert here.session.texts == []


async def test_what_a_chat_sends(office: Make) -> None:
    """Model, messages with the system prompt first, the key in its header, further fields as they are."""
    here = office(ok())
    await here.run(
        "chat", **ASK, stream=False, system="Be brief.", max_tokens=5, temperature=0.5, extra={"seed": 1},
        client="emacs", ref="r", priority="batch", deadline_s=9,
    )  # fmt: skip
    sent = body_sent(here)
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert (sent["model"], sent["temperature"], sent["seed"]) == ("gpt-4o", 0.5, 1)
    assert headers_sent(here)["authorization"] == f"Bearer {KEY}"
    call = here.world.upstream.sent[-1]
    assert (call.client, call.ref, call.priority, call.deadline_s) == ("emacs", "r", Priority.BATCH, 9.0)


async def test_priority_of_a_chat(office: Make) -> None:
    """A person waits for a chat: interactive unless said otherwise."""
    here = office(ok())
    await here.run("chat", **ASK, stream=False)
    assert here.world.upstream.sent[-1].priority is Priority.INTERACTIVE


async def test_key_from_the_environment(office: Make) -> None:
    """Without a key in the call, the daemon's environment has it; without any, none is sent."""
    ask = {name: value for name, value in ASK.items() if name != "key"}
    here = office(ok(), keys={"OPENAI_API_KEY": "CANARY-from-environment"})
    await here.run("chat", **ask, stream=False)
    assert headers_sent(here)["authorization"] == "Bearer CANARY-from-environment"
    here = office(ok())
    await here.run("chat", **ask, stream=False)
    assert "authorization" not in headers_sent(here)
    mine = Origin("relay.example", "https://relay.example", "openai-compatible", key_variable="MINE")
    here = office(ok(), keys={"MINE": "CANARY-mine"}, origin=mine)
    await here.run("chat", **{**ask, "host": "relay.example"}, stream=False)
    assert headers_sent(here)["authorization"] == "Bearer CANARY-mine"


@pytest.mark.parametrize(
    ("provider", "host", "field"),
    [
        ("anthropic", "api.anthropic.com", "x-api-key"),
        ("gemini", "generativelanguage.googleapis.com", "x-goog-api-key"),
    ],
)
async def test_by_the_providers_name(office: Make, provider: str, host: str, field: str) -> None:
    """A provider's name will do, and each gets its key where it wants it."""
    here = office(error(401, "No.", kind="authentication_error"))
    ask = {**{name: value for name, value in ASK.items() if name != "host"}, "provider": provider}
    with pytest.raises(CallFailed):
        await here.run("chat", **ask)
    assert here.world.upstream.sent[-1].origin.host == host
    assert headers_sent(here)[field] == KEY


async def test_a_model_name_cannot_break_out(office: Make) -> None:
    """For Gemini the model stands in the path: nothing in its name ends the request line."""
    here = office(error(404, "No such model.", kind="not_found_error"))
    ask = {**ASK, "host": "generativelanguage.googleapis.com", "model": "x HTTP/1.1\r\nX-Evil: 1\r\n\r\n/?a=b#c"}
    with pytest.raises((CallFailed, InvalidCall)):
        await here.run("chat", **ask)
    for call in here.world.upstream.sent:
        assert not set(call.target.reveal()) & set(" \r\n#")


async def test_a_refused_chat(office: Make) -> None:
    """The error carries the line, the whole explanation, the status and the call's id."""
    here = office(no_credit())
    with pytest.raises(CallFailed) as failed:
        await here.run("chat", **ASK)
    facts: Any = failed.value.facts
    assert failed.value.message == facts["explanation"]["line"]
    assert facts["explanation"]["subtype"] == "insufficient_quota"
    assert facts["status"] == 429
    assert facts["call"] == here.events[-1].call.id
    states = [params for method, params in here.session.notes if method == "state"]
    assert states[-1]["final"] is True


async def test_a_held_chat_says_so(office: Make) -> None:
    """While a call waits to be sent again, the session hears until when."""
    here = office(rate_limited("0.01"), ok(*STREAM, headers=SSE))
    assert (await here.run("chat", **ASK))["text"] == "Hello"
    held = next(params for _, params in here.session.notes if params["state"] == "held")
    assert held["eta_at"] >= held["at"]


async def test_a_held_chat_says_so_in_its_language(office: Make) -> None:
    """The reason that the session hears is in the language of the chat, and so is what the journal keeps of it."""
    here = office(rate_limited("0.01"), ok(*STREAM, headers=SSE))
    assert (await here.run("chat", **ASK, language="ko"))["text"] == "Hello"
    held = next(params for _, params in here.session.notes if params["state"] == "held")
    assert held["reason"].endswith("한도를 다 썼어요")
    steps = (await here.run("show", call="last"))["timeline"]
    assert any("한도를 다 썼어요" in step["text"] for step in steps if step["kind"] == "held")


@pytest.mark.parametrize(
    ("pieces", "subtype"),
    [
        ((event("Hel"), "truncated"), "truncated"),
        ((event("Hel"),), "truncated"),
        ((event("Hel"), b'data: {"error":{"message":"Overloaded","type":"overloaded_error"}}\n\n'), "overloaded"),
    ],
    ids=["cut", "no mark", "error"],
)
async def test_a_chat_that_breaks_in_the_middle(office: Make, pieces: Any, subtype: str) -> None:
    """Half an answer is never given as a whole one."""
    here = office(ok(*pieces, headers=SSE))
    with pytest.raises(CallFailed) as failed:
        await here.run("chat", **ASK)
    explanation: Any = failed.value.facts["explanation"]
    assert explanation["subtype"] == subtype
    assert [text for _, _, text in here.session.texts] == ["Hel"]
    assert here.events[-1].explanation.finding.subtype == subtype
    assert not here.world.gateway.running


async def test_a_key_that_an_upstream_quotes(office: Make) -> None:
    """An error in the middle of a stream that quotes the key, and a cut, are told without it by both operations."""
    quoted = b'data: {"error":{"message":"invalid key ' + KEY.encode() + b'","type":"invalid_request_error"}}\n\n'
    here = office(ok(event("Hel"), quoted, headers=SSE))
    with pytest.raises(CallFailed) as failed:
        await here.run("chat", **ASK)
    assert "invalid key" in json.dumps(failed.value.facts)
    assert KEY not in json.dumps(failed.value.facts) + str(failed.value.message)


@pytest.mark.parametrize("url", ["https://user:{}@api.openai.com/v1/models", "https://host?key={}"])
async def test_a_key_where_a_host_is_wanted(office: Make, url: str) -> None:
    """What is no name or address is refused before anything of it is told."""
    here = office(ok())
    with pytest.raises(InvalidCall) as refused:
        await here.run("call", url=url.format(KEY))
    assert KEY not in str(refused.value.message) + json.dumps(refused.value.facts)
    with pytest.raises(InvalidCall) as refused:
        await here.run("chat", **{**ASK, "host": f"user:{KEY}@api.openai.com"})
    assert KEY not in str(refused.value.message) + json.dumps(refused.value.facts)
    assert not here.world.upstream.sent


@pytest.mark.parametrize(
    "change",
    [
        {"host": None},
        {"host": None, "provider": "nobody"},
        {"host": None, "provider": "azure"},
        {"host": "unknown.example"},
        {"model": None},
        {"model": ""},
        {"messages": None},
        {"messages": []},
        {"messages": "Hi"},
        {"messages": ["Hi"]},
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "user", "content": 5}]},
        {"max_tokens": 0},
        {"max_tokens": "many"},
        {"temperature": 11},
        {"extra": [1]},
        {"stream": "perhaps"},
        {"key": "CANARY\r\nX-Evil: 1"},
        {"key": 5},
        {"priority": "urgent"},
        {"ref": "a b"},
        {"deadline_s": -1},
    ],
    ids=str,
)
async def test_wrong_chats(office: Make, change: dict[str, Any]) -> None:
    """Each mistake is said in words, and nothing is sent."""
    here = office(ok())
    with pytest.raises((InvalidCall, UnknownHost)) as refusal:
        await here.run("chat", **{**ASK, **change})
    assert "CANARY" not in refusal.value.message
    assert here.world.upstream.sent == []


# ---- call


async def test_a_raw_call(office: Make) -> None:
    """Status, fields and body as they came."""
    here = office(ok(headers=(("X-A", "1"),)))
    result = await here.run(
        "call", url="https://api.openai.com/v1/models?x=1", headers=[["X-B", "2"], ["X-B", "3"]], method="get"
    )
    assert (result["status"], json.loads(result["body"])) == (200, json.loads(chat_answer()))
    assert ["X-A", "1"] in result["headers"]
    call = here.world.upstream.sent[-1]
    assert (call.method, call.target.reveal()) == ("GET", "/v1/models?x=1")
    assert [(name, value.reveal()) for name, value in call.headers] == [("X-B", "2"), ("X-B", "3")]


async def test_a_raw_call_with_a_body(office: Make) -> None:
    """Header fields may be an object; a URL without a path means the root."""
    here = office(ok())
    await here.run("call", url="https://api.openai.com", method="POST", headers={"X-B": "2"}, body="é")
    call = here.world.upstream.sent[-1]
    assert (call.method, call.target.reveal(), call.body) == ("POST", "/", "é".encode())


async def test_a_raw_call_that_fails(office: Make) -> None:
    """Refused and cut calls are errors with their explanation."""
    for outcome in (no_credit(), ok(b"x" * 300_000, "truncated")):
        here = office(outcome)
        with pytest.raises(CallFailed):
            await here.run("call", url="https://api.openai.com/v1/models")
        assert not here.world.gateway.running


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"url": "api.openai.com"},
        {"url": "ftp://api.openai.com/"},
        {"url": "https:///x"},
        {"url": "https://api.openai.com/a b"},
        {"url": "https://api.openai.com/a\r\nX-Evil: 1"},
        {"url": "https://api.openai.com/é"},
        {"url": "https://evil.example/"},
        {"url": "https://user:pw@api.openai.com/"},
        {"url": "https://api.openai.com/", "method": "GET;id"},
        {"url": "https://api.openai.com/", "method": "GET / HTTP/1.1\r\nX: y"},
        {"url": "https://api.openai.com/", "method": "CONNECT"},
        {"url": "https://api.openai.com/", "headers": "a: b"},
        {"url": "https://api.openai.com/", "headers": [["a"]]},
        {"url": "https://api.openai.com/", "headers": {"a": 1}},
        {"url": "https://api.openai.com/", "headers": {"a b": "1"}},
        {"url": "https://api.openai.com/", "headers": {"": "1"}},
        {"url": "https://api.openai.com/", "headers": {"é": "1"}},
        {"url": "https://api.openai.com/", "headers": {"a": "1\r\nX-Evil: 1"}},
        {"url": "https://api.openai.com/", "headers": {"a": "1\0"}},
        {"url": "https://api.openai.com/", "body": {}},
    ],
    ids=str,
)
async def test_wrong_raw_calls(office: Make, params: dict[str, Any]) -> None:
    """Nothing can be smuggled into a request, and nothing is sent."""
    here = office(ok())
    with pytest.raises((InvalidCall, UnknownHost)):
        await here.run("call", **params)
    assert here.world.upstream.sent == []


# ---- what calls share


async def test_two_chats_that_are_the_same(office: Make) -> None:
    """Both hear all of it in deltas; one is sent; the other's states say that it waits for that one."""
    here = office(ok(*STREAM, headers=SSE))
    first, second = await asyncio.gather(*(here.run("chat", tag, coalesce=True, **ASK) for tag in (1, 2)))
    assert first["text"] == second["text"] == "Hello"
    assert first["id"] != second["id"]
    assert len(here.world.upstream.sent) == 1
    states = [params["state"] for _, params in here.session.notes if params.get("call") == second["id"]]
    assert states == ["queued", "joined", "first_byte", "done"][: len(states)]
    row = await here.run("show", call=second["id"])
    assert (row["how"], row["answered_with"], row["usage"]["output"]) == ("same", first["id"], 0)
    assert any(first["id"] in step["text"] for step in row["timeline"])
    status = await here.run("status")
    assert status["sharing"] == {"same": 1, "batched": 0, "batches": 0, "cached": 0}


@pytest.mark.parametrize("wrong", [{"coalesce": "perhaps"}, {"cache": "always"}, {"batch": "x"}, {"cache": 1}])
async def test_what_a_chat_may_say_of_sharing(office: Make, wrong: dict[str, Any]) -> None:
    """true or false; on, off or refresh."""
    with pytest.raises(InvalidCall, match=next(iter(wrong))):
        await office(ok()).run("chat", **ASK, **wrong)
