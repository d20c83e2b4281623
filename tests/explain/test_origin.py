"""Who answered is found from the host, headers and words, in this order."""

from __future__ import annotations

import pytest

from daemon.explain import Catalogue
from daemon.model import Failure
from daemon.providers.directory import load_providers

CATALOGUE = Catalogue.load()


@pytest.mark.parametrize(
    ("failure", "provider"),
    [
        (Failure(status=429, provider="groq", host="api.openai.com"), "groq"),
        (Failure(status=429, host="api.openai.com:443"), "openai"),
        (Failure(status=429, host="my-resource.openai.azure.com"), "azure"),
        (Failure(status=429, headers=(("openai-organization", "me"),)), "openai"),
        (Failure(text="see https://ai.google.dev/gemini-api/docs"), "gemini"),
        (Failure(text="see https://platform.openai.com/account/limits"), "openai"),
        (Failure(text="AnthropicException - no"), "anthropic"),
        (Failure(text="no idea"), None),
    ],
)
def test_the_provider(failure: Failure, provider: str | None) -> None:
    """Whom we asked is certain; a sign in the text is taken when nothing else tells."""
    assert CATALOGUE.classify(failure).provider == provider


def test_signs_bear_the_names_of_the_providers() -> None:
    """Whom we asked is told by the name in providers.yaml: with another name here, links and words would be lost."""
    called = 0
    for provider in load_providers().values():
        for host in provider.hosts:
            found = CATALOGUE.classify(Failure(status=429, host=host.pattern.replace("*", "x"))).provider
            assert found in (None, provider.name), host.pattern
            called += found is not None
    assert called > 40


def test_a_used_up_codex_plan_has_its_name_and_its_links() -> None:
    """Asked by the name that the daemon has for it, it is not called by its host."""
    body = b'{"error":{"type":"usage_limit_reached","message":"The limit is reached","plan_type":"plus"}}'
    finding = CATALOGUE.classify(Failure(status=429, provider="chatgpt", host="chatgpt.com", body=body))
    told = CATALOGUE.explain(finding)
    assert told.line.startswith("ChatGPT (Codex)")
    assert any(action.url for action in told.actions)
