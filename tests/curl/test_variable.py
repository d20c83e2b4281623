"""Which variable a command names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.curl.variable import key_variable_of
from daemon.model import Origin, Way
from daemon.redact import Redactor, Sealed

NAMED = Redactor(b"x").secret
KEYS = {"A": "CANARY-a", "B": "CANARY-b"}
TWO = Origin("h", "https://h", "openai", key_variable="OWN", ways=(Way("a", variable="A"), Way("b", variable="B")))


@pytest.mark.parametrize(
    ("origin", "held", "expected"),
    [
        (None, "CANARY-b", "USUAL"),
        (replace(TWO, ways=()), "CANARY-b", "OWN"),
        (TWO, "CANARY-b", "B"),
        (TWO, "CANARY-of-the-client", "OWN"),
        (replace(TWO, key_variable=None), None, "USUAL"),
    ],
)
def test_the_variable(make_call, origin, held, expected):
    """The configuration's before the provider's; of several keys that with which the call went, by its bucket name."""
    headers = (("Authorization", Sealed("Bearer ", NAMED(held))),) if held else ()
    call = replace(make_call("GET"), headers=headers)
    assert key_variable_of(call, origin, "USUAL", KEYS.get, NAMED) == expected


def test_a_call_that_says_so(make_call):
    """One that still runs knows by which way it went."""
    call = replace(make_call("GET"), way=Way("a", variable="A"))
    assert key_variable_of(call, TWO, "USUAL", {}.get, NAMED) == "A"
