"""Several keys or endpoints of the person's own: which one a call goes with."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from daemon.gateway.keyring import Keyring
from daemon.model import Call, Limit, Origin, Priority, Way
from daemon.pacing import Permit
from daemon.redact import Redactor
from gateway.scripted import KEY, World, incoming, no_credit, ok, virtual

WORK, HOME = "CANARY-work-0123456789", "CANARY-home-0123456789"
ENVIRONMENT = {"KEY_WORK": WORK, "KEY_HOME": HOME}
WAYS = (Way("work", None, "KEY_WORK"), Way("home", None, "KEY_HOME"))
OPENAI = Origin("api.openai.com", "https://api.openai.com", "openai", ways=WAYS)
NODES = replace(OPENAI, ways=(Way("a", "https://a.example.com"), Way("b", "https://b.example.com")))
BARE = (("Content-Type", "application/json"),)


def ring(world: World, environment: dict[str, str] = ENVIRONMENT) -> Keyring:
    """A keyring with the keys of this environment."""
    return Keyring(world.pacer, Redactor(b"test"), environment.get, asyncio.get_running_loop().time, [OPENAI])


def headers(call: Call | None) -> dict[str, str]:
    """What would go out."""
    assert call is not None
    return {name: value.reveal() for name, value in call.headers}


def names(calls: list[Call]) -> list[str]:
    """The ways that they go by."""
    return [call.way.name for call in calls if call.way is not None]


@virtual
async def test_a_call_without_a_key_gets_each_of_ours() -> None:
    """In the provider's header, with a pool of its own each; with the placeholder, the key stands in its place."""
    world = World(origin=OPENAI)
    bare = world.gateway.receive(incoming(headers=BARE))
    work, home = ring(world).choices(bare)
    assert headers(work)["Authorization"] == f"Bearer {WORK}"
    assert headers(home)["Authorization"] == f"Bearer {HOME}"
    assert work.scope.key != home.scope.key != bare.scope.key
    placed = world.gateway.receive(incoming(headers=(("api-key", "sluice"), *BARE)))
    assert headers(ring(world).choices(placed)[0]) == {"api-key": WORK, "Content-Type": "application/json"}
    query = world.gateway.receive(incoming(headers=BARE, target="/v1/chat/completions?key=sluice"))
    assert ring(world).choices(query)[1].target.reveal() == f"/v1/chat/completions?key={HOME}"


@virtual
async def test_a_client_s_own_key_is_never_mixed_with_ours() -> None:
    """Nor is an organisation of the client's, nor a cookie: there is nothing to choose."""
    world = World(origin=OPENAI)
    for own in (("Authorization", f"Bearer {KEY}"), ("OpenAI-Organization", "org"), ("Cookie", "s=CANARY-cookie")):
        call = world.gateway.receive(incoming(headers=(own, *BARE)))
        assert ring(world).choices(call) == []


@virtual
async def test_a_key_that_is_not_there_is_no_choice() -> None:
    """Its variable is told in the status."""
    world = World(origin=OPENAI)
    some = ring(world, {"KEY_HOME": HOME})
    assert names(some.choices(world.gateway.receive(incoming(headers=BARE)))) == ["home"]
    work, home = some.states()
    assert (work["state"], work["key"]) == ("no_key", None)
    assert "KEY_WORK is not set" in work["words"]
    assert home["state"] == "unused"


@virtual
async def test_endpoints_have_pools_of_their_own() -> None:
    """With the client's own key: other URLs, and limits that are counted apart."""
    world = World(origin=NODES)
    a, b = ring(world).choices(world.call())
    assert (a.origin.url, b.origin.url) == ("https://a.example.com", "https://b.example.com")
    assert headers(a) == headers(b) == headers(world.call())
    assert a.scope.key == f"{world.call().scope.key}@a"
    assert b.scope.key == f"{world.call().scope.key}@b"


@virtual
async def test_the_one_with_room_is_best() -> None:
    """Two calls at a limit of one each go with different keys; a third with the one that is free first."""
    limits = (Limit("requests", 1, 60.0, "minute"),)
    world = World(ok(), origin=replace(OPENAI, limits=limits))
    choices = ring(world).choices(world.gateway.receive(incoming(headers=BARE)))
    first = ring(world).best(choices)
    assert first is choices[0]
    permit = await world.pacer.acquire(first)
    assert ring(world).best(choices) is choices[1]
    assert ring(world).best(choices, but=["home"]) is choices[0]
    assert ring(world).best(choices, but=["home", "work"]) is None
    permit.release()


@virtual
async def test_a_conversation_stays_with_its_key_while_that_has_room() -> None:
    """The provider has cached the beginning there; a short one, and another client's, go where there is most room."""
    limits = (Limit("requests", 2, 60.0, "minute"),)
    world = World(ok(), origin=replace(OPENAI, limits=limits))

    def said(text: str, client: str) -> Call:
        body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"' + text.encode() + b'"}]}'
        return world.gateway.receive(incoming(headers=BARE, body=body, client=client))

    keys = ring(world)
    choices = keys.choices(said("x" * 3000, "notes"))
    keys.remember(choices[1])
    assert keys.best(keys.choices(said("x" * 3000 + " and more", "notes"))).way == WAYS[1]  # type: ignore[union-attr]
    assert keys.best(keys.choices(said("x" * 3000, "other"))).way == WAYS[0]  # type: ignore[union-attr]
    keys.remember(keys.choices(said("short", "notes"))[1])
    assert keys.best(keys.choices(said("short", "notes"))).way == WAYS[0]  # type: ignore[union-attr]
    for _ in range(2):
        (await world.pacer.acquire(choices[1])).release()
    assert keys.best(keys.choices(said("x" * 3000, "notes"))).way == WAYS[0]  # type: ignore[union-attr]


@virtual
async def test_the_states_name_keys_and_never_show_them() -> None:
    """A key without credit is blocked, the other one idle; after half a minute the first one is due for a look."""
    world = World(no_credit(), ok(), origin=OPENAI)
    keys = ring(world)
    choices = keys.choices(world.gateway.receive(incoming(headers=BARE)))
    first = keys.best(choices)
    assert first is not None
    await (await world.gateway.send(replace(first, origin=replace(OPENAI, ways=())))).chunks.__anext__()
    assert keys.best(choices) is choices[1]
    rows: list[dict[str, Any]] = keys.states()
    assert [(row["name"], row["state"], row["subtype"]) for row in rows] == [
        ("work", "blocked", "insufficient_quota"),
        ("home", "idle", None),
    ]
    assert "CANARY" not in str(rows)
    await asyncio.sleep(31)
    assert keys.best(choices) is choices[0]


@virtual
async def test_what_fails_is_shunned_for_a_while() -> None:
    """Others go first, and the state says so; half a minute later, or after a success, it is like the others."""
    world = World(origin=OPENAI)
    keys = ring(world)
    choices = keys.choices(world.gateway.receive(incoming(headers=BARE)))
    keys.shun(choices[0])
    assert keys.best(choices) is choices[1]
    assert [row["state"] for row in keys.states()] == ["failing", "idle"]
    keys.shun(choices[1])
    assert keys.best(choices) is choices[0]
    keys.remember(choices[1])
    assert keys.best(choices) is choices[1]
    await asyncio.sleep(31)
    assert keys.best(choices) is choices[0]


DAY_AND_SLOT = (Limit("requests", 20, 30 * 86_400.0, "month"), Limit("concurrency", 1, 60.0))


class Line:
    """Two keys, each with twenty calls a month and one slot, and calls that go with one of them."""

    def __init__(self) -> None:
        self.world = World(ok(), origin=replace(OPENAI, limits=DAY_AND_SLOT), key_of=ENVIRONMENT.get)
        self.work, self.home = self.world.gateway.elsewhere.keyring.choices(self.world.call(headers=BARE))
        self.number = 0

    async def take(self, call: Call, priority: Priority = Priority.NORMAL) -> Permit:
        """A permit for a call like CALL."""
        self.number += 1
        return await self.world.pacer.acquire(replace(call, id=f"x{self.number}", priority=priority))

    @staticmethod
    def done(permit: Permit) -> None:
        """It is answered."""
        permit.answered(200, (), streamed=False)
        permit.release()

    async def use_up(self, normal: int) -> None:
        """A person's call with the key of work, and so many others'."""
        self.done(await self.take(self.work, Priority.INTERACTIVE))
        for _ in range(normal):
            await asyncio.sleep(2)
            permit = await self.take(self.work)
            await asyncio.sleep(3)
            self.done(permit)


@virtual
async def test_who_may_not_wait_with_one_key_waits_with_another() -> None:
    """What is left with the first one is kept for persons for an hour; when the slot of the second is free nobody
    knows, and ten seconds later it is."""
    line = Line()
    await line.use_up(17)
    held = await line.take(line.home)
    task = asyncio.create_task(line.world.send(headers=BARE, priority=Priority.BATCH))
    await asyncio.sleep(10)
    line.done(held)
    assert (await task)[0].status == 200
    assert names([line.world.upstream.sent[-1]]) == ["home"]


@virtual
async def test_who_is_told_in_line_that_it_waits_in_vain_goes_with_another_key() -> None:
    """It stands in the line of the first key when others take what was left there beside the kept end."""
    line = Line()
    await line.use_up(16)
    slots = [await line.take(line.home), await line.take(line.work)]
    task = asyncio.create_task(line.world.send(headers=BARE, priority=Priority.BATCH))
    await asyncio.sleep(1)
    before = asyncio.create_task(line.take(line.work))
    await asyncio.sleep(1)
    for permit in slots:
        line.done(permit)
    line.done(await before)
    assert (await task)[0].status == 200
    assert names([line.world.upstream.sent[-1]]) == ["home"]
