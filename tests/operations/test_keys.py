"""Keys that clients are asked for: one question, held in memory, forgotten when told."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest

from daemon.errors import UnknownHost
from daemon.operations.keys import METHOD, Keys, NoKey
from daemon.operations.session import Unanswered
from daemon.redact import Redactor
from gateway.scripted import error, ok
from operations.office import Heard, Make

KEY = "CANARY-told-when-asked-9c2e8b7a6053"
ASK: dict[str, Any] = {
    "host": "api.openai.com",
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Hi"}],
    "stream": False,
    "client": "my-editor",
}


def heard(*told: Any) -> Heard:
    """A session that answers questions for keys."""
    return Heard(answers=[METHOD], told=list(told))


def keys() -> Keys:
    """A ring with nothing on it."""
    return Keys(Redactor(b"test").secret)


def sent(here: Any) -> dict[str, str]:
    """The header fields that went upstream last."""
    return {name.lower(): value.reveal() for name, value in here.world.upstream.sent[-1].headers}


async def test_a_chat_without_a_key_asks_for_it(office: Make) -> None:
    """The question names host, variable and client; the answer is the key of this call and of the next."""
    here = office(ok(), ok())
    here.session = heard({"key": KEY})
    await here.run("chat", **ASK)
    assert here.session.asked == [
        (METHOD, {"host": "api.openai.com", "variable": "OPENAI_API_KEY", "client": "my-editor"})
    ]
    assert sent(here)["authorization"] == f"Bearer {KEY}"
    first = here.world.upstream.sent[-1].scope
    await here.run("chat", **ASK, key=KEY)
    assert len(here.session.asked) == 1
    assert here.world.upstream.sent[-1].scope == first  # the same key is the same bucket, however it came


@pytest.mark.parametrize("given", ["call", "environment", "nobody to ask"])
async def test_nobody_is_asked(office: Make, given: str) -> None:
    """Not when the call or the environment has a key, and not a client that does not answer such questions."""
    here = office(ok(), keys={"OPENAI_API_KEY": KEY} if given == "environment" else None)
    here.session = Heard() if given == "nobody to ask" else heard()
    await here.run("chat", **ASK, **({"key": KEY} if given == "call" else {}))
    assert here.session.asked == []
    assert ("authorization" in sent(here)) == (given != "nobody to ask")


async def test_own_servers_need_no_key(office: Make) -> None:
    """For a server of this machine, here one that the office does not know, nobody is asked."""
    here = office()
    here.session = heard()
    with pytest.raises(UnknownHost):
        await here.run("chat", **{**ASK, "host": "localhost:11434"})
    assert here.session.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Unanswered("Emacs looked for machine api.openai.com"), "Emacs looked for machine"),
        (Unanswered(), "did not answer"),
        ({"key": None}, "nothing was sent"),
        ({"key": ""}, "nothing was sent"),
        ({"key": "CANARY-with\r\nX-Evil: header"}, "nothing was sent"),
        ({"key": 5}, "nothing was sent"),
        (None, "nothing was sent"),
        ("CANARY-not-an-object", "nothing was sent"),
    ],
)
async def test_no_key_sends_nothing(office: Make, answer: Any, words: str) -> None:
    """The client's own words are told when it has some; nothing goes to the provider, and the next call asks again."""
    here = office(ok())
    here.session = heard(answer, {"key": KEY})
    with pytest.raises(NoKey, match=words) as refused:
        await here.run("chat", **ASK)
    assert "CANARY" not in str(refused.value.facts)
    assert here.world.upstream.sent == []
    await here.run("chat", **ASK)
    assert sent(here)["authorization"] == f"Bearer {KEY}"


async def test_a_refused_key_is_asked_for_again(office: Make) -> None:
    """A key that the provider does not take is forgotten, so that a mended one is found without a restart."""
    wrong = error(401, "Incorrect API key provided", kind="invalid_request_error", code="invalid_api_key")
    here = office(wrong, ok())
    here.session = heard({"key": "CANARY-mistyped-9c2e8b7a"}, {"key": KEY})
    with pytest.raises(Exception, match="key"):
        await here.run("chat", **ASK)
    await here.run("chat", **ASK)
    assert len(here.session.asked) == 2
    assert sent(here)["authorization"] == f"Bearer {KEY}"


async def test_forget(office: Make) -> None:
    """`forget_keys` forgets one host's key or all, and says how many."""
    here = office(ok(), ok())
    here.session = heard({"key": KEY}, {"key": KEY})
    await here.run("chat", **ASK)
    assert await here.run("forget_keys", host="api.groq.com") == {"forgotten": 0}
    assert await here.run("forget_keys") == {"forgotten": 1}
    assert await here.run("forget_keys") == {"forgotten": 0}
    await here.run("chat", **ASK)
    assert len(here.session.asked) == 2


async def test_one_question_for_calls_at_the_same_time() -> None:
    """Ten calls ask once; one that is cancelled meanwhile does not take the answer from the others."""
    ring, asked, go_on = keys(), asyncio.Event(), asyncio.Event()

    async def slowly() -> Any:
        asked.set()
        await go_on.wait()
        return {"key": KEY}

    session = heard(slowly)
    calls = [asyncio.create_task(ring.of("h", session, {})) for _ in range(10)]
    await asked.wait()
    calls[0].cancel()
    go_on.set()
    answers = await asyncio.gather(*calls[1:])
    assert len(session.asked) == 1
    assert {answer.name for answer in answers if answer} == {Redactor(b"test").secret(KEY).name}


async def test_a_client_that_leaves_passes_the_question_on() -> None:
    """When the asked connection ends, a call of another one asks its own client."""
    ring, asked, leave = keys(), asyncio.Event(), asyncio.Event()

    async def leaves() -> Any:
        asked.set()
        await leave.wait()
        raise Unanswered(gone=True)

    gone, stays = heard(leaves), heard({"key": KEY})
    first = asyncio.create_task(ring.of("h", gone, {}))
    await asked.wait()
    second = asyncio.create_task(ring.of("h", stays, {}))
    await asyncio.sleep(0)
    leave.set()
    assert await second is not None
    assert len(stays.asked) == 1
    assert await first is None


async def test_a_held_key_shows_nowhere() -> None:
    """What is held prints as its bucket and cannot be pickled."""
    secret = await keys().of("h", heard({"key": KEY}), {})
    assert secret is not None
    assert "CANARY" not in f"{secret} {secret!r}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
