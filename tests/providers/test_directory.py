"""data/providers.yaml and how providers are found."""

import re
from urllib.parse import urlsplit

import pytest

from daemon.model import DIMENSIONS
from daemon.providers import load_providers, near_host, provider_for


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("api.openai.com", "openai"),
        ("API.OpenAI.com:443", "openai"),
        ("openai", "openai"),
        ("api.anthropic.com", "anthropic"),
        ("generativelanguage.googleapis.com", "gemini"),
        ("my-company.openai.azure.com", "azure"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "bedrock"),
        ("europe-west4-aiplatform.googleapis.com", "vertex"),
        ("localhost:11434", "ollama"),
        ("localhost:8080", "local"),
        ("127.0.0.1:1234", "local"),
        ("[::1]:1234", "local"),
        ("openai-compatible", "openai-compatible"),
    ],
)
def test_found_by_name_and_host(asked: str, name: str) -> None:
    """Exact hosts before patterns, without regard to case."""
    found = provider_for(asked)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "asked",
    [
        "evil.com", "api.openai.com.evil.com", "x.y.openai.azure.com", "evil.com/x.openai.azure.com",
        ".openai.azure.com",
        "bedrock-runtime.bucket.s3.amazonaws.com", "api.openai.com:8443", "", "*", "localhost:99999999", "a" * 5000,
        "user@api.openai.com", "api.openai.com\n", "api.openai.com#.openai.azure.com", "10.0.0.1:80",
    ],
)  # fmt: skip
def test_strangers_are_not_found(asked: str) -> None:
    """Nobody gets in by a name that only looks like a known one."""
    assert provider_for(asked) is None


def test_every_gptel_backend_is_known() -> None:
    """The hosts that gptel's own makers use by default."""
    for host in ("api.openai.com", "chatgpt.com", "api.anthropic.com", "generativelanguage.googleapis.com",
                 "localhost:11434", "api.deepseek.com", "api.x.ai", "api.perplexity.ai", "localhost:8001",
                 "api.githubcopilot.com", "kagi.com", "bedrock-runtime.us-east-1.amazonaws.com",
                 "me.openai.azure.com"):  # fmt: skip
        assert provider_for(host) is not None, host


@pytest.mark.parametrize("name", sorted(load_providers()))
def test_each_entry_is_well_formed(name: str) -> None:
    """Titles, key variables, https everywhere but on this machine, limits of known dimensions."""
    provider = load_providers()[name]
    assert re.fullmatch(r"[a-z0-9-]+", provider.name)
    assert provider.title.isprintable()
    assert provider.key_variable is None or re.fullmatch(r"[A-Z][A-Z0-9_]*", provider.key_variable)
    for host in provider.hosts:
        url = urlsplit(host.url.replace("{host}", "example.com"))
        assert url.scheme == ("http" if provider.local else "https")
        assert not host.url.endswith("/")
    for limit in provider.limits:
        assert limit.dimension in DIMENSIONS
        assert limit.amount > 0
    assert set(provider.periods) <= {"requests", "tokens"}


def test_no_host_belongs_to_two() -> None:
    """Each host pattern stands once."""
    patterns = [host.pattern for provider in load_providers().values() for host in provider.hosts]
    assert len(patterns) == len(set(patterns))


def test_what_one_request_takes() -> None:
    """As documented, else cautious figures for each kind that can be batched."""
    openai, other = load_providers()["openai"], load_providers()["openai-compatible"]
    limits = openai.batch_limits("embeddings")
    assert (limits.items, limits.item_tokens, limits.tokens) == (2048, 8192, 300_000)
    for kind in ("embeddings", "completions"):
        assert 1 < other.batch_limits(kind).items <= 96
    assert load_providers()["dashscope"].batch_limits("embeddings").items == 10


@pytest.mark.parametrize(
    ("host", "near"),
    [("api.opnai.com", "api.openai.com"), ("API.anthropic.co", "api.anthropic.com"), ("relay.example.com", None),
     ("x" * 10_000, None)],
)  # fmt: skip
def test_a_slip_of_a_known_host(host: str, near: str | None) -> None:
    """It is named; a host of somebody's own is not taken for one."""
    assert near_host(host) == near
