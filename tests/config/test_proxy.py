"""Which way out a call takes."""

from dataclasses import replace

import pytest

from daemon.config import load, proxy_lookup
from daemon.errors import ConfigError

OPENAI = "https://api.openai.com"
DEFAULT = load(None, environ={})


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, OPENAI, None),
        ({"HTTPS_PROXY": "http://p:1"}, OPENAI, "http://p:1"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://high:1"}, OPENAI, "http://low:1"),
        ({"ALL_PROXY": "p:1"}, OPENAI, "http://p:1"),
        ({"http_proxy": "http://p:1"}, OPENAI, None),
        ({"http_proxy": "http://p:1"}, "http://relay.example.com", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "http://relay.example.com", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, OPENAI, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com, openai.com"}, OPENAI, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".openai.com"}, OPENAI, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "penai.com"}, OPENAI, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.openai.com:8443"}, OPENAI, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.openai.com:443"}, OPENAI, None),
        ({"ALL_PROXY": "http://p:1"}, "http://localhost:11434", None),
        ({"HTTPS_PROXY": ""}, OPENAI, None),
    ],
)
def test_the_environments_rules(environ: dict[str, str], url: str, proxy: str | None) -> None:
    """As curl reads them: lower case first, HTTP_PROXY in capitals never, this machine never."""
    assert proxy_lookup(DEFAULT, environ)(url) == proxy


def test_the_configurations_proxy() -> None:
    """A fixed one, or none, whatever the environment says."""
    environ = {"HTTPS_PROXY": "http://p:1"}
    fixed = proxy_lookup(replace(DEFAULT, proxy="http://mine:2"), environ)
    assert fixed(OPENAI) == "http://mine:2"
    assert fixed("http://127.0.0.1:1") is None
    assert proxy_lookup(replace(DEFAULT, proxy=None), environ)(OPENAI) is None


def test_a_proxy_that_cannot_be_used_is_not_gone_around() -> None:
    """SOCKS in the environment is an error with a way out, and a password is not repeated."""
    with pytest.raises(ConfigError, match="socks5 proxy") as caught:
        proxy_lookup(DEFAULT, {"ALL_PROXY": "socks5://me:CANARY-pw@p:1"})
    assert "CANARY" not in caught.value.message
