"""Calls that go as one request: what is sent for them, and how they are divided."""

from __future__ import annotations

import json
from dataclasses import replace

from daemon.gateway.outcome import Retold, Whole
from daemon.gateway.party import Party, Seat
from daemon.model import Call, Estimate, Priority
from daemon.providers import read_part
from gateway.scripted import KEY, World, virtual


def seat(at: World, *texts: str, tokens: float = 10.0) -> Seat:
    """A call's place."""
    body = json.dumps({"model": "m", "input": list(texts)}).encode()
    fields = (("Authorization", f"Bearer {KEY}"), ("Accept-Encoding", "gzip"))
    call = at.call(target="/v1/embeddings", body=body, headers=fields)
    call = replace(call, estimate=Estimate(tokens, tokens, 0.0))
    part = read_part("POST", "/v1/embeddings", body)
    assert part is not None
    return Seat(call, part, "kin")


@virtual
async def test_what_is_sent_for_them() -> None:
    """All inputs under the lead's id; weighed together; not packed; as urgent as the most urgent."""
    at = World()
    party = Party([seat(at, "a")])
    assert party.call() is party.lead.call
    party.add(seat(at, "b", "c", tokens=20.0))
    sent: Call = party.call()
    assert (sent.id, json.loads(sent.body)["input"]) == (party.lead.call.id, ["a", "b", "c"])
    assert (sent.estimate.raw_input, sent.estimate.total, party.items, party.tokens) == (30.0, 30.0, 3, 30.0)
    assert [name for name, _ in sent.headers] == ["Authorization"]
    assert party.mates[0].party is party
    party.add(replace(seat(at, "d"), call=replace(sent, priority=Priority.INTERACTIVE)))
    assert (sent.priority, party.call().priority) == (Priority.NORMAL, Priority.INTERACTIVE)


@virtual
async def test_shares_are_of_those_that_were_sent() -> None:
    """Who has left meanwhile still has a row in the answer: the others get theirs, not that one."""
    at = World()
    party = Party([seat(at, "a"), seat(at, "b"), seat(at, "c")])
    party.call()
    del party.seats[1]
    rows = [{"index": i, "embedding": [i]} for i in range(3)]
    shares = party.shares(Whole(200, "", (), json.dumps({"data": rows}).encode()), 1)
    assert [json.loads(share.body)["data"][0]["embedding"] for share in shares] == [[0], [1], [2]]
    assert shares[0].mates == 3


@virtual
async def test_halves() -> None:
    """All are in one of them, in order; nobody joins them."""
    at = World()
    party = Party([seat(at, str(i)) for i in range(5)])
    seats = list(party.seats)
    halves = party.split(None)
    assert [len(half.seats) for half in halves] == [3, 2]
    assert [one for half in halves for one in half.seats] == seats
    assert all(half.closed for half in halves)
    assert len(party.split(None, singly=True)) == 5


@virtual
async def test_a_portion_ends_once() -> None:
    """Read to its end, or closed early; closing after the end is nothing new."""
    ends: list[BaseException | None] = []
    whole = Retold(iter((b"abc",)), ends.append)
    assert [chunk async for chunk in whole] == [b"abc"]
    await whole.aclose()
    early = Retold(iter((b"abc",)), ends.append)
    await early.aclose()
    assert [type(end) for end in ends] == [type(None), GeneratorExit]
