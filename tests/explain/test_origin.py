"""Who answered is found from the host, headers and words, in this order."""

from __future__ import annotations

import pytest

from daemon.explain import Catalogue
from daemon.model import Failure

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
