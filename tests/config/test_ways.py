"""Several keys and endpoints of an upstream, in config.yaml."""

from __future__ import annotations

import pytest

from daemon.config.nodes import Node, Wrong, read_nodes
from daemon.config.upstreams import read_upstreams
from daemon.config.ways import crossed, place_of, read_endpoints, read_keys
from daemon.model import Way


def node(text: str) -> Node:
    """TEXT as the file's reader sees it."""
    found = read_nodes(text)
    assert found is not None
    return found


def test_keys() -> None:
    """Names, and the variables in which the keys are; never a key."""
    assert read_keys(node("[{name: work, variable: KEY_WORK}, {name: home, variable: KEY}]")) == (
        Way("work", None, "KEY_WORK"),
        Way("home", None, "KEY"),
    )


def test_endpoints() -> None:
    """Each has a URL; its name is its place where none is given."""
    text = "[{url: https://a.example.com/x}, {name: second, url: https://b.example.com, key_variable: B_KEY}]"
    assert read_endpoints(node(text)) == (
        Way("a.example.com", "https://a.example.com/x", None),
        Way("second", "https://b.example.com", "B_KEY"),
    )
    assert place_of("http://127.0.0.1:9/openai") == "127.0.0.1:9"


def test_each_endpoint_goes_with_each_key() -> None:
    """But one that has a key of its own only with that one."""
    keys = (Way("work", None, "W"), Way("home", None, "H"))
    ends = (Way("a", "https://a.example.com"), Way("b", "https://b.example.com", "B"))
    assert [(way.name, way.url, way.variable) for way in crossed(keys, ends)] == [
        ("work@a", "https://a.example.com", "W"),
        ("home@a", "https://a.example.com", "H"),
        ("b", "https://b.example.com", "B"),
    ]
    assert crossed(keys, ()) == keys
    assert crossed((), ends) == ends


def test_an_upstream_takes_its_url_from_the_first_endpoint() -> None:
    """A host of one's own needs no URL beside its endpoints; one without choice has no ways."""
    text = "[{host: relay.example.com, endpoints: [{url: https://a.example.com}, {url: https://b.example.com}]}]"
    (relay,) = read_upstreams(node(text))
    assert (relay.url, [way.url for way in relay.ways]) == (
        "https://a.example.com",
        ["https://a.example.com", "https://b.example.com"],
    )
    (plain,) = read_upstreams(node("[{host: api.openai.com}]"))
    assert plain.ways == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[{host: h.example.com, keys: 5}]", "keys is a list"),
        ("[{host: h.example.com, keys: [a]}]", "is expected here"),
        ("[{host: h.example.com, keys: [{name: a}]}]", "'variable' is missing"),
        ("[{host: h.example.com, keys: [{name: a, var: B}]}]", "unknown word 'var'"),
        ("[{host: h.example.com, keys: [{name: a, variable: A}, {name: a, variable: B}]}]", "twice"),
        ("[{host: h.example.com, endpoints: [{name: a}]}]", "'url' is missing"),
        ("[{host: h.example.com, endpoints: [{url: 'http://far.example.com'}]}]", "http://far.example.com"),
    ],
)
def test_mistakes_are_told(text: str, what: str) -> None:
    """What is wrong, and an example; an endpoint in the open is refused like any URL in the open."""
    with pytest.raises(Wrong) as wrong:
        read_upstreams(node(text))
    assert what in str(wrong.value.what)
