"""Who hears what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.operations import hub as hub_module
from daemon.operations.hub import Hub, waiting_state
from gateway.scripted import no_credit, ok
from operations.office import Make


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes are gathered for no time."""
    monkeypatch.setattr(hub_module, "GATHER_S", 0.0)


async def soon() -> None:
    """Let timers of no time fire."""
    await asyncio.sleep(0.002)


async def test_nothing_is_computed_for_nobody() -> None:
    """Without listeners a change costs nothing."""
    hub = Hub(lambda: pytest.fail("asked"), lambda: pytest.fail("asked"))
    hub.changed()
    await soon()


async def test_changes_are_gathered() -> None:
    """Many changes make one notification for each listener and topic, and each topic has its own."""
    asked: list[str] = []

    def queue() -> list[dict[str, Any]]:
        asked.append("queue")
        return [{"id": "c1", "place": 2}]

    hub = Hub(queue, lambda: [{"pool": 1}])
    heard: list[Any] = []
    hub.subscribe("queue", lambda name, params: heard.append((name, params)))
    hub.subscribe("limits", lambda name, params: heard.append((name, params)))
    for _ in range(10):
        hub.changed()
    await soon()
    assert asked == ["queue"]
    assert heard == [("queue", {"queue": [{"id": "c1", "place": 2}]}), ("limits", {"pools": [{"pool": 1}]})]


async def test_what_has_ended(office: Make) -> None:
    """The ids of calls that have ended come together, good and bad ones, and can be asked for with a filter."""
    here = office(ok(), no_credit())
    await here.world.send()
    await here.run("subscribe", topics=["ended"])
    assert here.session.notes == []
    await here.world.send()
    await soon()
    second = (await here.run("calls", limit=1))["calls"][0]["id"]
    assert here.session.notes == [("ended", {"calls": [second]})]
    ids = [row["id"] for row in (await here.run("calls"))["calls"]]
    assert [row["id"] for row in (await here.run("calls", ids=ids[:1], failed=True))["calls"]] == ids[:1]
    assert (await here.run("calls", ids=ids[1:], failed=True))["calls"] == []
    assert (await here.run("calls", ids=[]))["calls"] == []


async def test_unsubscribing() -> None:
    """Who leaves hears no more, on any topic; `close` forgets everybody."""
    hub = Hub(list, list)
    heard: list[Any] = []

    def listener(name: str, params: Any) -> None:
        heard.append(name)

    hub.subscribe("queue", listener)
    hub.subscribe("limits", listener)
    hub.unsubscribe(listener)
    hub.changed()
    hub.subscribe("queue", listener)
    hub.changed()
    hub.close()
    await soon()
    assert heard == []


async def test_states_of_a_call(office: Make) -> None:
    """A watcher hears each step of its call, and not of others."""
    here = office(ok())
    states: list[Any] = []
    mine, other = here.world.call(), here.world.call()
    here.hub.watch(mine.id, states.append)
    for call in (other, mine):
        reply = await here.world.gateway.send(call)
        await reply.chunks.aclose()  # type: ignore[attr-defined]
    here.hub.unwatch(mine.id)
    assert [state["state"] for state in states] == [
        "queued", "admitted", "sent", "answered", "first_byte", "cancelled",
    ]  # fmt: skip
    assert {state["call"] for state in states} == {mine.id}


async def test_errors_are_told(office: Make) -> None:
    """A final failure is told with its explanation, to those who listen for errors."""
    here = office(no_credit())
    heard: list[Any] = []
    here.hub.subscribe("errors", lambda name, params: heard.append((name, params)))
    reply = await here.world.gateway.send(here.world.call(client="emacs", ref="r1"))
    ((name, params),) = heard
    assert name == "error"
    assert (params["call"], params["ref"], params["client"]) == (reply.call.id, "r1", "emacs")
    assert params["explanation"]["subtype"] == "insufficient_quota"
    assert params["message"] == params["explanation"]["line"]


def test_waiting_state() -> None:
    """A row of the queue as the state of one call."""
    row = {"id": "c1", "place": 3, "eta_at": 9.0, "waits_for": "requests per minute", "more": 1}
    assert waiting_state(row) == {
        "call": "c1", "state": "queued", "place": 3, "eta_at": 9.0, "reason": "requests per minute",
    }  # fmt: skip


def test_warnings() -> None:
    """Whoever wants warnings hears them, and nobody else."""
    hub, heard = Hub(list, list), list[tuple[str, object]]()
    hub.warn("a", "nobody listens")
    hub.subscribe("warnings", lambda name, params: heard.append((name, params)))
    hub.warn("budget/0", "most of it is gone")
    assert heard == [("warning", {"key": "budget/0", "words": "most of it is gone"})]


async def test_a_watcher_hears_only_what_looks_other() -> None:
    """Place and reason at once, the expected time when it has moved by a second, the same again not at all."""
    rows = [{"id": "c1", "place": 3, "eta_at": 9.0, "waits_for": "turn"}]
    hub, heard = Hub(lambda: rows, list), list[Any]()
    hub.watch("c1", heard.append)
    for change in (
        {},
        {"eta_at": 9.4},
        {"eta_at": 10.1},
        {"place": 2},
        {},
        {"waits_for": "slot"},
        {"eta_at": None},
        {},
    ):
        rows[0] = rows[0] | change
        hub.changed()
        await soon()
    assert [(state["place"], state["eta_at"], state["reason"]) for state in heard] == [
        (3, 9.0, "turn"), (3, 10.1, "turn"), (2, 10.1, "turn"), (2, 10.1, "slot"), (2, None, "slot"),
    ]  # fmt: skip
    hub.unwatch("c1")
    hub.watch("c1", heard.append)
    hub.changed()
    await soon()
    assert heard[-1] is not heard[-2]


async def test_a_long_queue_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """While many wait the next look comes after a second, and sooner again when they have gone."""
    asked: list[float] = []
    rows = [{"id": f"c{n}", "place": n} for n in range(hub_module.MANY + 1)]
    hub = Hub(lambda: rows, list)
    hub.subscribe("queue", lambda name, params: None)
    loop = asyncio.get_running_loop()
    later = loop.call_later
    monkeypatch.setattr(loop, "call_later", lambda s, *rest: (asked.append(s), later(0.0, *rest))[1])
    for _ in range(2):
        hub.changed()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    del rows[1:]
    for _ in range(2):
        hub.changed()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert asked == [0.0, hub_module.GATHER_MANY_S, hub_module.GATHER_MANY_S, 0.0]
