"""What is the same for all calls to one origin."""

from __future__ import annotations

import pytest

from daemon.upstream.route import place_of, route_of


@pytest.mark.parametrize(
    ("url", "host", "port", "said"),
    [
        ("https://api.example.com", "api.example.com", 443, "api.example.com"),
        ("https://api.example.com:443/v1", "api.example.com", 443, "api.example.com"),
        ("http://api.example.com:8080", "api.example.com", 8080, "api.example.com:8080"),
        ("http://[::1]:11434", "::1", 11434, "[::1]:11434"),
        ("http://[::1]", "::1", 80, "[::1]"),
        ("https://api.example.com.", "api.example.com", 443, "api.example.com"),
        ("https://bücher.example", "xn--bcher-kva.example", 443, "xn--bcher-kva.example"),
    ],
)
def test_where_and_what_it_is_called(url: str, host: str, port: int, said: str) -> None:
    """Host and port to connect to, and the Host field, without a port that goes without saying."""
    place = place_of(url, None)
    assert place.route is route_of(host, port, url.startswith("https"), None)
    assert place.host_line == f"Host: {said}\r\n"


def test_a_proxy_reads_a_plain_request_and_passes_on_a_secure_one() -> None:
    """So the first has the whole address and says who we are; the second has neither. No repr shows a password."""
    proxy = "http://me:CANARY-pw%40@proxy:3128"
    plain, secure = place_of("http://a.example/x", proxy), place_of("https://a.example/x", proxy)
    assert (plain.prefix, plain.extra) == ("http://a.example/x", "Proxy-Authorization: Basic bWU6Q0FOQVJZLXB3QA==\r\n")
    assert (secure.prefix, secure.extra) == ("/x", "")
    assert (plain.route.tunnel, secure.route.tunnel) == (False, True)
    assert "bWU6" not in repr(secure.route)
    assert place_of("http://a.example", "https://proxy").route.proxy is not None


@pytest.mark.parametrize("url", ["ftp://a.example", "a.example", "http://", "http://a:99999999"])
def test_what_is_no_url(url: str) -> None:
    """It is no place."""
    with pytest.raises(ValueError):  # noqa: PT011 - whichever
        place_of(url, None)
