"""What is asked, and what holds for all nouns."""

from __future__ import annotations

import dataclasses

from daemon import model
from daemon.model import DIMENSIONS, Ask, Call, Estimate, Origin, Priority, Scope, Usage
from daemon.redact import Redactor

KEY = "CANARY-model-key-0123456789"
ORIGIN = Origin("h", "https://h", "openai")


def test_values_are_nouns() -> None:
    """Each is equal and hashable by its values, and has slots; tests/model/test_noun.py shows that none is changed."""
    nouns = {
        name: noun for name, noun in vars(model).items() if isinstance(noun, type) and dataclasses.is_dataclass(noun)
    }
    assert len(nouns) >= 20
    for name, noun in nouns.items():
        assert noun.__dataclass_params__.unsafe_hash, name  # type: ignore[attr-defined]
        assert "__slots__" in vars(noun), name


def test_a_smaller_priority_goes_earlier() -> None:
    """Sorting by priority is the order of going."""
    assert sorted(Priority) == [Priority.INTERACTIVE, Priority.NORMAL, Priority.BATCH]


def test_the_dimensions_are_those_of_the_type() -> None:
    """The tuple and the type say the same."""
    assert set(DIMENSIONS) == set(model.Dimension.__args__)  # type: ignore[attr-defined]


def test_totals() -> None:
    """Input and output together."""
    assert Usage(input=3, output=4).total == 7
    assert Estimate(raw_input=1, input=3, output=4).total == 7


def test_the_secrets_of_a_call() -> None:
    """All of them, from target and headers, and none of them shown."""
    seal = Redactor(b"t")
    headers = tuple((name, seal.header(name, value)) for name, value in [("x-api-key", KEY), ("X-A", "plain")])
    call = Call("c", ORIGIN, Scope("h", "-", ""), "GET", seal.target(f"/v1?key={KEY}2"), headers, b"", Ask(model="m"))
    assert [secret.reveal() for secret in call.secrets()] == [f"{KEY}2", KEY]
    assert (call.model, call.stream) == ("m", False)
    assert KEY not in repr(call)
