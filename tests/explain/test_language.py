"""How the templates of a language are filled."""

from __future__ import annotations

import pytest

from daemon.explain import Catalogue
from daemon.explain.language import filled, fitted
from daemon.model import Finding

CATALOGUE = Catalogue.load()


@pytest.mark.parametrize(
    ("template", "facts", "text"),
    [
        ("a[ {x}] b", {}, "a b"), ("a[ {x}] b", {"x": "1"}, "a 1 b"), ("[{x}|none]", {}, "none"), ("{x}", {}, None),
        ("[{x} and {y}|{x}]", {"x": "1"}, "1"),
    ],
)  # fmt: skip
def test_templates(template: str, facts: dict[str, str], text: str | None) -> None:
    """Optional parts drop out with their facts; a sentence without its facts is not said."""
    assert filled(template, facts) == text


def test_what_does_not_fit_loses_its_optional_parts() -> None:
    """From behind, one after the other; then the next template is taken; at last it is cut between words."""
    two = ["a[ and a long part][ and more]", "b"]
    assert fitted(two, {}, 40) == "a and a long part and more"
    assert fitted(two, {}, 20) == "a and a long part"
    assert fitted(two, {}, 5) == "a"
    assert fitted("one two three four", {}, 14) == "one two..."


def test_one_is_no_plural() -> None:
    """`1 requests` is said by no one; 21 requests are."""
    for limit, text in ((1.0, "only 1 request per second"), (21.0, "only 21 requests per second")):
        finding = Finding(subtype="requests", family="rate", retry="wait", window="second", limit=limit)
        assert text in CATALOGUE.explain(finding).what
