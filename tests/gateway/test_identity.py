"""When two calls are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daemon.gateway.identity import kin_of, name_of
from daemon.model import Call
from daemon.redact import Redactor, Sealed
from gateway.scripted import KEY, World
from pacing import virtual_time

SECRETS = Redactor(b"test")


def call(**more: Any) -> Call:
    """A call with changes."""

    async def make() -> Call:
        return World().call(**more)

    return virtual_time.run(make())


def test_another_call_of_the_same_name() -> None:
    """Id, time, client and what it says about itself do not count."""
    assert name_of(call()) == name_of(call(client="x", ref="y", language="ko"))


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"x"},
        {"method": "PUT"},
        {"target": Sealed("/other")},
        {"target": Sealed("/v1?key=", SECRETS.secret("CANARY-key-0123456789"))},
        {"headers": ()},
        {"headers": (("Authorization", SECRETS.header("Authorization", "Bearer CANARY-b-0123456789")),)},
    ],
)
def test_what_makes_another_name(change: dict[str, Any]) -> None:
    """Whatever the answer may depend on, secrets by their buckets."""
    assert name_of(replace(call(), **change)) != name_of(call())


def test_whose_question_for_usage_it_is() -> None:
    """The same bytes, asked for by the client or by us: one gets the figures in the stream and the other does not."""
    assert name_of(replace(call(), usage_asked=True)) != name_of(call())


def test_another_key_in_the_target() -> None:
    """Gemini's key stands in the query: two keys are two names."""
    one, two = (Sealed("/v1?key=", SECRETS.secret(f"CANARY-{name}-0123456789")) for name in "ab")
    assert name_of(replace(call(), target=one)) != name_of(replace(call(), target=two))


def test_the_order_of_fields_does_not_count() -> None:
    """Nor does the case of their names."""
    fields = call().headers
    turned = tuple((name.upper(), value) for name, value in fields[::-1])
    assert name_of(replace(call(), headers=turned)) == name_of(call())


def test_nothing_moves_from_one_piece_into_the_next() -> None:
    """`ab` + `c` is not `a` + `bc`."""
    one = replace(call(), headers=(("a", Sealed("b")),), body=b"c")
    assert name_of(one) != name_of(replace(one, headers=(("a", Sealed("bc")),), body=b""))


def test_a_name_tells_nothing() -> None:
    """32 hex digits, without the key."""
    name = name_of(call())
    assert len(name) == 32
    assert KEY not in name
    int(name, 16)


def test_kin() -> None:
    """The body is replaced by what all have in common; how the answer is packed is for each call's own way back."""
    one = call()
    assert kin_of(one, "x") == kin_of(replace(one, body=b"other"), "x") != kin_of(one, "y")
    packed = replace(one, headers=(*one.headers, ("Accept-Encoding", Sealed("gzip"))))
    assert kin_of(packed, "x") == kin_of(one, "x")
