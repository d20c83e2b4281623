"""From a host to its origin."""

from pathlib import Path

import pytest

from daemon.config import Origins, load, origins
from daemon.errors import ConfigError, UnknownHost
from daemon.model import Limit
from daemon.providers import load_providers


def look_up(tmp_path: Path, text: str = "") -> Origins:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return origins(load(path, environ={}), load_providers())


def test_without_configuration(tmp_path: Path) -> None:
    """Known hosts, patterns and local servers; names in any case and with the port that is meant anyway."""
    find = look_up(tmp_path)
    for host, url, provider in (
        ("api.openai.com", "https://api.openai.com", "openai"),
        ("API.Anthropic.com:443", "https://api.anthropic.com", "anthropic"),
        ("me.openai.azure.com", "https://me.openai.azure.com", "azure"),
        ("localhost:11434", "http://localhost:11434", "ollama"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", "local"),
    ):
        origin = find(host)
        assert origin is not None, host
        assert (origin.url, origin.provider) == (url, provider)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.com", "169.254.169.254", "api.openai.com/../x", "a@api.openai.com", "", "x" * 999, "api.openai.com:1"),
        *("me.openai.azure.com.evil.com", "evil.com.openai.azure.com", "a.b.openai.azure.com"),
    ],
)
def test_strangers_are_refused(tmp_path: Path, host: str) -> None:
    """A host that nobody allowed has no origin, and the refusal shows the line that would allow it."""
    find = look_up(tmp_path)
    assert find(host) is None
    with pytest.raises(UnknownHost, match=r"nothing was sent.*upstreams"):
        find.get(host)


def test_the_user_goes_over_the_provider(tmp_path: Path) -> None:
    """An entry for a known host keeps its URL and provider, and adds what it says."""
    find = look_up(tmp_path, "upstreams:\n  api.openai.com: {limits: [{requests: 60, per: minute}], share: 0.8}\n")
    origin = find("api.openai.com")
    assert origin is not None
    assert (origin.url, origin.provider, origin.share) == ("https://api.openai.com", "openai", 0.8)
    assert origin.limits == (Limit("requests", 60, 60.0, "minute"),)


def test_a_documented_limit_stays_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    """OpenRouter's limit for free models is known; the user's own limits take its place."""
    known = look_up(tmp_path)("openrouter.ai")
    assert known is not None
    assert known.limits == (Limit("requests", 20, 60.0, "minute", ("*:free",)),)
    mine = look_up(tmp_path, "upstreams: [{host: openrouter.ai, limits: []}]")("openrouter.ai")
    assert mine is not None
    assert mine.limits == ()


def test_relays_and_simulators(tmp_path: Path) -> None:
    """Own hosts with prefix, provider and a scaled minute; a known host sent elsewhere."""
    find = look_up(
        tmp_path,
        "upstreams:\n"
        "- {host: relay.example.com, url: 'https://relay.example.com/openai'}\n"
        "- {host: api.openai.com, url: 'http://127.0.0.1:9000', minute: 6s, limits: [{requests: 20, per: minute}]}\n"
        "- {host: '*.corp.example.com', provider: anthropic}\n",
    )
    relay, simulated, corp = find("relay.example.com"), find("api.openai.com"), find("llm.corp.example.com")
    assert relay is not None
    assert (relay.url, relay.provider) == ("https://relay.example.com/openai", "openai-compatible")
    assert simulated is not None
    assert (simulated.url, simulated.provider, simulated.minute_s) == ("http://127.0.0.1:9000", "openai", 6.0)
    assert simulated.limits == (Limit("requests", 20, 6.0, "minute"),)
    assert corp is not None
    assert (corp.host, corp.url, corp.provider) == ("llm.corp.example.com", "https://llm.corp.example.com", "anthropic")
    assert find("a.b.corp.example.com") is None


def test_exact_hosts_before_patterns(tmp_path: Path) -> None:
    """Whatever the order in the file."""
    find = look_up(tmp_path, "upstreams:\n  'localhost:*': {share: 0.5}\n  'localhost:9000': {share: 0.9}\n")
    exact, other = find("localhost:9000"), find("localhost:9001")
    assert exact is not None
    assert other is not None
    assert (exact.share, other.share) == (0.9, 0.5)
    assert find.hosts()[:2] == ("localhost:9000", "localhost:*")


def test_a_provider_that_does_not_exist(tmp_path: Path) -> None:
    """Named with file, line and the nearest one."""
    with pytest.raises(ConfigError, match=r"config.yaml:1: .*Did you mean 'anthropic'"):
        look_up(tmp_path, "upstreams: [{host: a.com, provider: antropic}]")
    with pytest.raises(ConfigError, match="braces"):
        look_up(tmp_path, "upstreams: [{host: a.com, url: 'https://{host}/{model}'}]")
