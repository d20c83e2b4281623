"""A call written for another host or model, and what stays behind."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from daemon.fallback import Place
from daemon.gateway.moving import Mover, PassedOver, variable_of
from daemon.model import Call, Chat, Estimate, Message, Origin, Sharing
from daemon.redact import Redactor
from gateway.scripted import KEY, World, incoming, virtual

DEEPSEEK = Origin("api.deepseek.com", "https://api.deepseek.com", "deepseek")
LOCAL = Origin("localhost:11434", "http://localhost:11434", "ollama")
CLAUDE = Origin("api.anthropic.com", "https://api.anthropic.com", "anthropic")
KEYS = {"DEEPSEEK_API_KEY": "CANARY-deepseek-0123456789", "ANTHROPIC_API_KEY": "CANARY-anthropic-0123456789"}
HOSTS = {origin.host: origin for origin in (DEEPSEEK, LOCAL, CLAUDE)}
CHAT = Chat("gpt-4o", (Message("system", "Be brief."), Message("user", "Hello")), max_tokens=5, extra={"seed": 1})


def mover(world: World, keys: dict[str, str] = KEYS) -> Mover:
    """A mover among these hosts."""
    return Mover(
        lambda host: HOSTS.get(host) or world.origin_of(host), lambda *_: Estimate(1, 1), Redactor(b"test"), keys.get
    )


def all_of(call: Call) -> str:
    """Whatever would go out."""
    fields = [f"{name}: {value.reveal()}" for name, value in call.headers]
    return "\n".join([call.origin.url, call.target.reveal(), *fields, call.body.decode()])


def moved(found: Call | PassedOver) -> Call:
    """FOUND, which must be a call."""
    assert isinstance(found, Call), found
    return found


@virtual
async def test_to_another_host() -> None:
    """Host, path, model and key are the other's; the first one's key, cookie, organisation and own fields stay."""
    world = World()
    body = b'{"model": "gpt-4o",  "messages":[{"role":"user","content":"Hi"}],"temperature":0.10}'
    headers = (
        ("Authorization", f"Bearer {KEY}"), ("Cookie", "s=CANARY-cookie-1"), ("OpenAI-Organization", "org-1"),
        ("X-Inner", "CANARY-inner-1"), ("Content-Type", "application/json"), ("Accept", "*/*"),
    )  # fmt: skip
    call = world.gateway.receive(incoming(headers=headers, body=body, target="/v1/chat/completions?k=CANARY-query-1"))
    there = moved(mover(world).moved(call, Place("deepseek-chat", "api.deepseek.com")))
    sent = all_of(there)
    assert sent.count("CANARY") == 1
    assert "Authorization: Bearer CANARY-deepseek-0123456789" in sent
    assert "org-1" not in sent
    assert (there.origin, there.target.reveal(), there.model) == (DEEPSEEK, "/chat/completions", "deepseek-chat")
    assert there.body == body.replace(b'"gpt-4o"', b'"deepseek-chat"')
    assert (there.scope.host, there.scope.group) == ("api.deepseek.com", "deepseek-chat")
    assert there.scope.key == there.secrets()[0].name
    assert there.id == call.id


@virtual
async def test_a_local_server_gets_no_key() -> None:
    """It wants none, whatever is in the environment."""
    world = World()
    there = moved(mover(world).moved(world.call(), Place("llama3.1", "localhost:11434")))
    assert there.secrets() == ()
    assert there.scope.key == "-"
    assert "CANARY" not in all_of(there)
    assert variable_of(LOCAL) is None


@virtual
async def test_a_relay_does_not_get_the_key_of_whose_api_it_speaks() -> None:
    """OPENAI_API_KEY is for OpenAI; a host of one's own gets what its `key_variable` says."""
    world = World()
    relay = Origin("relay.example.com", "https://relay.example.com", "openai")
    keys = {"OPENAI_API_KEY": "CANARY-openai-0123456789", "RELAY_KEY": "CANARY-relay-0123456789"}
    for origin, sent in ((relay, ""), (replace(relay, key_variable="RELAY_KEY"), "Bearer CANARY-relay-0123456789")):
        there = Mover(lambda host, found=origin: found, lambda *_: Estimate(), Redactor(b"test"), keys.get)  # type: ignore[misc]
        call = moved(there.moved(world.call(), Place("m", relay.host)))
        assert "".join(value.reveal() for name, value in call.headers if name == "Authorization") == sent


@virtual
async def test_another_model_of_the_same_host() -> None:
    """Only the model changes; key, fields and query stay as they came."""
    world = World()
    call = world.gateway.receive(incoming(target="/v1/chat/completions?key=CANARY-query-123&x=%20"))
    there = moved(mover(world).moved(call, Place("gpt-4o-mini")))
    assert there.headers == call.headers
    assert there.target == call.target
    assert json.loads(there.body)["model"] == there.scope.group == "gpt-4o-mini"
    assert there.scope.key == call.scope.key


@virtual
async def test_a_model_in_the_path() -> None:
    """Gemini has it there; the query with its key stays."""
    world = World()
    target = "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse&key=CANARY-gemini-1"
    call = world.gateway.receive(
        incoming(host="generativelanguage.googleapis.com", target=target, headers=(), body=b'{"contents":[]}')
    )
    there = moved(mover(world).moved(call, Place("gemini-2.5-flash")))
    assert there.target.reveal() == target.replace("pro", "flash")
    assert "CANARY" not in str(there.target)
    assert there.body == call.body


@virtual
async def test_who_cannot_take_it_is_passed_over() -> None:
    """Another API, no key, an unknown host, a key within the text: each is told, none is tried."""
    world = World()
    call = world.call()
    assert mover(world).moved(call, Place("claude", "api.anthropic.com")) == PassedOver("api.anthropic.com", "claude")
    assert mover(world, {}).moved(call, Place("d", "api.deepseek.com")) == PassedOver(
        "api.deepseek.com", "d", "DEEPSEEK_API_KEY"
    )
    assert isinstance(mover(world).moved(call, Place("x", "nowhere.example.com")), PassedOver)
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": f"my key is {KEY}"}]}).encode()
    held = world.gateway.receive(incoming(body=body))
    assert isinstance(mover(world).moved(held, Place("d", "api.deepseek.com")), PassedOver)


@virtual
async def test_a_conversation_is_written_anew_for_another_api() -> None:
    """What was handed over as a conversation goes to any API, with that API's headers and key; foreign fields stay."""
    world = World()
    call = world.gateway.receive(incoming(chat=CHAT))
    there = moved(mover(world).moved(call, Place("claude-x", "api.anthropic.com")))
    written = json.loads(there.body)
    assert (there.target.reveal(), there.ask.kind, there.model) == ("/v1/messages", "messages", "claude-x")
    assert (written["model"], written["system"], written["max_tokens"]) == ("claude-x", "Be brief.", 5)
    assert "seed" not in written
    assert ("x-api-key", KEYS["ANTHROPIC_API_KEY"]) in [(name, value.reveal()) for name, value in there.headers]
    assert KEY not in all_of(there)
    same = moved(mover(world).moved(call, Place("deepseek-chat", "api.deepseek.com")))
    assert json.loads(same.body)["seed"] == 1


@virtual
async def test_the_question_for_usage_follows() -> None:
    """A stream to a host of which usage is asked asks for it once, and its extra chunk is taken out again; one that
    has asked already is not asked twice."""
    world = World()
    asking = replace(DEEPSEEK, include_usage=True)
    there = Mover(lambda host: asking, lambda *_: Estimate(), Redactor(b"test"), KEYS.get)
    plain = world.gateway.receive(incoming(stream=True))
    sent = moved(there.moved(plain, Place("d", "api.deepseek.com")))
    assert json.loads(sent.body)["stream_options"] == {"include_usage": True}
    assert sent.usage_asked
    assert not moved(mover(world).moved(plain, Place("d", "api.deepseek.com"))).usage_asked
    asked = replace(plain, usage_asked=True)
    assert moved(mover(world).moved(asked, Place("d", "api.deepseek.com"))).usage_asked


@pytest.mark.parametrize(
    ("more", "can"),
    [
        ({}, True),
        ({"target": "/v1/embeddings"}, False),
        ({"target": "/v1/audio/speech"}, False),
        ({"method": "GET", "target": "/v1/models", "body": b""}, False),
        ({"target": "/v1/files"}, False),
    ],
)
def test_what_can_be_moved(more: dict[str, Any], can: bool) -> None:
    """Only what a model says, and only where the client does not mind."""

    @virtual
    async def look() -> None:
        world = World()
        call = world.gateway.receive(incoming(**more))
        assert mover(world).can_move(call) is can
        assert not mover(world).can_move(replace(call, movable=False))

    look()


@virtual
async def test_another_model_s_answer_is_not_kept() -> None:
    """The cache answers for the model that was asked; what another one says must not stand in its place."""
    world = World()
    call = replace(world.call(), sharing=Sharing(coalesce=True, cache="on"))
    assert moved(mover(world).moved(call, Place("gpt-4o-mini"))).sharing == Sharing(coalesce=True, cache="off")
