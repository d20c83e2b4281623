"""The page that the provider itself names."""

from __future__ import annotations

import pytest

from daemon.explain import Catalogue
from daemon.model import Failure

CATALOGUE = Catalogue.load()
CLAUDE = "Apps draw from your extra usage. Add more at claude.ai/settings/usage to go on. anthropic"


@pytest.mark.parametrize(
    ("text", "place", "url"),
    [
        (CLAUDE, 0, "https://claude.ai/settings/usage"),
        (CLAUDE.replace("claude.ai", "claude.ai.example.test"), 0, "https://platform.claude.com/settings/billing"),
        (
            "403 Gemini API has not been used in project 4 before or it is disabled. Enable it by visiting "
            "https://console.developers.google.com/apis/overview?project=4 then retry.",
            0,
            "https://console.developers.google.com/apis/overview?project=4",
        ),
        (
            "400 User location is not supported for the API use, see https://ai.google.dev/available_regions.",
            1,
            "https://ai.google.dev/available_regions",
        ),
    ],
)
def test_the_page_that_the_provider_names(text: str, place: int, url: str) -> None:
    """Where a person has to go, the provider's own link is taken, but only to a site of its own."""
    said = CATALOGUE.explain(CATALOGUE.classify(Failure(text=text)))
    assert said.actions[place].url == url


def test_a_limit_that_passes_has_no_link_of_the_answer() -> None:
    """Each rate limit of OpenAI ends in a link; the page of the limits is there already."""
    text = "Rate limit reached for gpt-9 in organization org-1 on requests per min. Visit https://openai.com/x/more."
    said = CATALOGUE.explain(CATALOGUE.classify(Failure(text=text)))
    assert not any("openai.com/x" in (action.url or "") for action in said.actions)


def test_an_address_of_an_api_is_no_page_to_open() -> None:
    """The address that was called often stands in a client's text."""
    url = "https://chatgpt.com/backend-api/codex/responses"
    said = f"403 Forbidden for url: {url} You do not have access to Codex. See chatgpt.com/settings for more."
    actions = CATALOGUE.explain(CATALOGUE.classify(Failure(text=said))).actions
    assert "https://chatgpt.com/settings" in [action.url for action in actions]
