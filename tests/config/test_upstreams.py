"""The user's upstreams and limits."""

import pytest

from daemon.config.nodes import Node, Wrong, read_nodes
from daemon.config.upstreams import read_limits, read_upstreams, scaled
from daemon.model import Limit


def node(text: str) -> Node:
    found = read_nodes(text)
    assert found is not None
    return found


def test_limits_in_every_form() -> None:
    """Words, durations, concurrency, models."""
    text = (
        "[{requests: 60, per: minute}, {tokens: 40000, per: minute}, {concurrency: 8}, {requests: 3, per: 6s},"
        ' {requests: 5, per: minute, model: "gpt-4o*"}, {tokens: 1_000_000, per: day}, {tokens: 5, per: month}]'
    )
    assert read_limits(node(text)) == (
        Limit("requests", 60, 60, "minute"),
        Limit("tokens", 40000, 60, "minute"),
        Limit("concurrency", 8),
        Limit("requests", 3, 6, None),
        Limit("requests", 5, 60, "minute", ("gpt-4o*",)),
        Limit("tokens", 1_000_000, 86400, "day"),
        Limit("tokens", 5, 30 * 86400, "month"),
    )
    assert read_limits(node("[]")) == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[{request: 60, per: minute}]", "Did you mean 'requests'"),
        ("[{requests: 60, per: minut}]", "Did you mean 'minute'"),
        ("[{requests: 60}]", "Add `per`"),
        ("[{requests: 60, tokens: 5, per: minute}]", "counted together"),
        ("[{per: minute}]", "nothing is counted"),
        ("[{concurrency: 8, per: minute}]", "no `per`"),
        ("[{requests: 0, per: minute}]", "not above 0"),
        ("[{requests: -1, per: minute}]", "not above 0"),
        ("[{requests: .nan, per: minute}]", "not a plain number"),
        ("[{requests: 1e999, per: minute}]", "not a plain number"),
        ("[{requests: 60, per: 6}]", "Write 6s"),
        ("[{requests: 60, per: 0s}]", "no time at all"),
        ("[{requests: 60, per: minute}, {requests: 50, per: minute}]", "two limits for requests"),
        ("{requests: 60, per: minute}", "limits is a list"),
        ("[60]", "a limit is a group"),
        ("sixty", "limits is a list"),
    ],
)
def test_limits_that_are_wrong(text: str, what: str) -> None:
    """Typos, missing or surplus words, impossible figures; each with the way out."""
    with pytest.raises(Wrong) as caught:
        read_limits(node(text))
    assert what in caught.value.what


def test_a_list_and_a_group_by_host_are_the_same() -> None:
    """Both forms give the same entries."""
    listed = read_upstreams(node("- {host: a.com, share: 0.8}\n- host: b.com\n"))
    grouped = read_upstreams(node("a.com: {share: 0.8}\nb.com:\n"))
    assert [(u.host, u.share) for u in listed] == [(u.host, u.share) for u in grouped] == [("a.com", 0.8), ("b.com", 1)]


def test_every_field() -> None:
    """All settings of an upstream arrive."""
    (one,) = read_upstreams(
        node(
            "- host: relay.example.com\n  url: https://relay.example.com/openai\n  provider: groq\n  minute: 6s\n"
            "  limits: [{concurrency: 2}]\n  share: 0.5\n  key_variable: RELAY_KEY\n  groups: {big: ['gpt-4*', o1]}\n"
            "  include_usage: true\n  resend_after_reset: true\n"
        )
    )
    assert (one.url, one.provider, one.minute_s, one.share) == ("https://relay.example.com/openai", "groq", 6.0, 0.5)
    assert (one.limits, one.key_variable) == ((Limit("concurrency", 2),), "RELAY_KEY")
    assert one.groups == (("big", ("gpt-4*", "o1")),)
    assert (one.include_usage, one.resend_after_reset, one.insecure) == (True, True, False)


def test_the_host_from_the_url() -> None:
    """A URL alone is enough."""
    assert read_upstreams(node("- url: https://relay.example.com/v1"))[0].host == "relay.example.com"
    assert read_upstreams(node("- url: http://localhost:9000"))[0].host == "localhost:9000"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("- {hots: a.com}", "Did you mean 'host'"),
        ("- {limits: []}", "has no host"),
        ("- a.com", "an upstream is a group"),
        ("a.com", "a list of upstreams"),
        ("- {host: a.com}\n- {host: A.com}", "second time (first in line 1)"),
        ("- {host: a.com, url: 'http://a.com/v1'}", "not encrypted"),
        ("- {host: a.com, url: 'http://192.168.1.5:8000'}", "insecure: true"),
        ("- {host: a.com, share: 1.5}", "at most 1"),
        ("- {host: a.com, share: 0}", "above 0"),
        ("- {host: a.com, minute: 6}", "Write 6s"),
        ("- {host: a.com, key_variable: CANARY-sk-123}", "never the key itself"),
        ("- {host: a.com, groups: [a]}", "names with models"),
        ("- {host: 'https://a.com'}", "is not a host"),
    ],
)
def test_upstreams_that_are_wrong(text: str, what: str) -> None:
    """Typos, doubles, keys, and plain http to another machine."""
    with pytest.raises(Wrong) as caught:
        read_upstreams(node(text))
    assert what in caught.value.what
    assert "CANARY" not in caught.value.what


def test_plain_http_where_it_is_right() -> None:
    """To this machine always, to another one only when the user says so."""
    assert read_upstreams(node("- {host: a.com, url: 'http://127.0.0.1:9000'}"))[0].url == "http://127.0.0.1:9000"
    assert read_upstreams(node("- {host: 'localhost:*', url: 'http://{host}/v1'}"))[0].url == "http://{host}/v1"
    with pytest.raises(Wrong, match="not encrypted"):
        read_upstreams(node("- {host: 'box:*', url: 'http://{host}'}"))
    allowed = read_upstreams(node("- {host: a.com, url: 'http://10.0.0.2', insecure: true}"))
    assert allowed[0].insecure


def test_a_scaled_minute() -> None:
    """Second, minute and hour follow the origin's minute; day, month and free durations do not."""
    limits = read_limits(
        node("[{requests: 1, per: second}, {requests: 1, per: minute}, {requests: 1, per: hour}, {requests: 1, "
             "per: day}, {requests: 1, per: month}, {tokens: 1, per: 6s}, {concurrency: 1}]")
    )  # fmt: skip
    assert [x.period_s for x in scaled(limits, 6.0)] == [0.1, 6.0, 360.0, 86400.0, 30 * 86400.0, 6.0, None]
