"""The pieces that a pattern needs are needed indeed."""

from __future__ import annotations

import pytest

from daemon.explain import patterns
from daemon.explain.catalogue import DATA
from daemon.explain.rules import read_rules

SOURCES = [
    rule.text for path in sorted((DATA / "catalogue").glob("rules-*.yaml")) for rule in read_rules(path) if rule.text
]


@pytest.mark.parametrize(
    ("source", "pieces"),
    [
        ("insufficient_quota", ("insufficient_quota",)),
        ("abcd|efgh", ("abcd", "efgh")),
        ("(?:foo|bar)baz{2}", ("bar", "foo")),
        ("abcd?e", ("abc",)),
        ("ab.cd", None),
        (r"\d+ tokens? per", (" token", " per")[:1]),
        ("(?:optional)?surely", ("surely",)),
        ("(?i)Case", None),
        ("abc|.", None),
        ("[abc]long", ("long",)),
        ("[每本]周", ("周",)),
        (r"\w ?/s\b", ("/s",)),
        (r"rate limit\(s\)", ("rate limit(s)",)),
    ],
)
def test_pieces(source: str, pieces: tuple[str, ...] | None) -> None:
    """Literal runs count, optional ones and classes do not; without certainty there are none."""
    assert patterns.pieces(source) == pieces


def test_the_shortcut_never_hides_a_match() -> None:
    """What a pattern matches in any example contains one of its pieces."""
    text = (DATA / "catalogue" / "examples.yaml").read_text(encoding="utf-8").lower()
    for source in SOURCES:
        needed = patterns.pieces(source)
        for match in patterns.pattern(source).finditer(text):
            assert needed is None or any(piece in match[0] for piece in needed), source
