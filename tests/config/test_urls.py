"""Hosts and URLs in the configuration."""

import pytest

from daemon.config.nodes import Node, Wrong
from daemon.config.urls import address, host, host_of, is_loopback, origin_url, proxy_url


def node(text: str) -> Node:
    return Node(1, "scalar", text)


def test_hosts() -> None:
    """Names, ports, patterns, IPv6; in lower case and without the port that is meant anyway."""
    for text, expected in (("API.Example.com", "api.example.com"), ("a.b:443", "a.b"), ("localhost:*", "localhost:*"),
                           ("*.openai.azure.com", "*.openai.azure.com"), ("[::1]:8080", "[::1]:8080")):  # fmt: skip
        assert host(node(text)) == expected


@pytest.mark.parametrize("text", ["https://api.example.com/v1", "a b", "a/b", "-x.com", "a..", "ü.de", "a:b", ""])
def test_what_is_no_host(text: str) -> None:
    """URLs, spaces and other characters; a URL gets the host that was meant."""
    with pytest.raises(Wrong) as caught:
        host(node(text) if text else Node(1, "scalar", "", quoted=True))
    if "://" in text:
        assert "for example api.example.com" in caught.value.what


def test_addresses() -> None:
    """An IP address of either kind and a port."""
    for text, expected in (
        ("127.0.0.1:8377", ("127.0.0.1", 8377)),
        ("[::1]:80", ("::1", 80)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
    ):
        assert address(node(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["8377", ":8377", "localhost:8377", "127.0.0.1", "::1:80", "[127.0.0.1]:80", "127.0.0.1:", "127.0.0.1:+1",
     "127.0.0.1:65536", "127.0.0.1:99999", "http://127.0.0.1:80", "*:80", "300.0.0.1:80"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    """A name could be looked up to anything; the message has an example."""
    with pytest.raises(Wrong, match=r"127\.0\.0\.1:8377|65535"):
        address(node(text))


def test_urls() -> None:
    """Scheme, host, port and prefix; a closing slash is taken off."""
    assert origin_url(node("https://relay.example.com:8443/openai/")) == "https://relay.example.com:8443/openai"
    assert origin_url(node("https://{host}")) == "https://{host}"
    assert host_of("https://Relay.example.com:443/x") == "relay.example.com"


@pytest.mark.parametrize(
    "text",
    ["relay.example.com", "ftp://x", "https://", "https://u:CANARY-key@x.com", "https://x.com?key=CANARY-key",
     "https://x.com#a", "https://x.com:99999", "https://x.com:0", "https://x y", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_url(text: str) -> None:
    """No scheme, other schemes, keys inside; the key is never repeated."""
    with pytest.raises(Wrong) as caught:
        origin_url(node(text))
    if "@" in text:
        assert "CANARY" not in caught.value.what


def test_loopback() -> None:
    """This machine under all its names, and nothing else."""
    for url in (
        "http://localhost:1",
        "http://127.0.0.1",
        "http://127.8.8.8:80",
        "http://[::1]:5",
        "http://a.localhost",
    ):
        assert is_loopback(url), url
    for url in ("http://localhost.evil.com", "http://10.0.0.1", "http://127.evil.com.example", "http://0.0.0.0"):
        assert not is_loopback(url), url


def test_proxies() -> None:
    """HTTP proxies and the word for the environment; SOCKS is refused with a way out."""
    assert proxy_url(node("environment")) == "environment"
    assert proxy_url(node("http://u:p@proxy:3128/")) == "http://u:p@proxy:3128"
    with pytest.raises(Wrong, match="SOCKS"):
        proxy_url(node("socks5://proxy:1080"))
    for text in ("http://[", "http://p:99999", "proxy:3128", "http://"):
        with pytest.raises(Wrong, match="not a proxy"):
            proxy_url(node(text))
    with pytest.raises(Wrong, match="not a proxy") as caught:
        proxy_url(node("ftp://u:CANARY-password@proxy"))
    assert "CANARY" not in caught.value.what
