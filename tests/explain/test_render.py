"""The whole text for a terminal."""

from __future__ import annotations

import pytest

from daemon import columns
from daemon.explain import Catalogue
from daemon.model import Failure

CATALOGUE = Catalogue.load()


def test_the_parts_stand_in_their_order() -> None:
    """Eyes learn where to look: what, why, now, do, not, said, evidence, curl."""
    said = CATALOGUE.explain(
        CATALOGUE.classify(Failure(status=402, provider="openai", body=b'{"error":"Insufficient credits"}'))
    )
    page = CATALOGUE.render(said, curl="curl https://api.openai.com/" + "x" * 200)
    labels = [
        "What happened",
        "Why",
        "What happens now",
        "What you can do",
        "What it is not",
        "What the provider said",
        "How we know",
        "The same failure",
    ]
    places = [page.index(label) for label in labels]
    assert places == sorted(places)
    assert page.endswith("x" * 200 + "\n")


def test_lines_fit_and_links_stay_whole() -> None:
    """Text is wrapped to the terminal, links are not broken."""
    said = CATALOGUE.explain(
        CATALOGUE.classify(Failure(status=402, provider="openai", body=b'{"error":"Insufficient credits"}'))
    )
    lines = CATALOGUE.render(said, width=50).splitlines()
    assert all(len(line) <= 50 or "https://" in line for line in lines)
    assert any(line.strip() == "https://platform.openai.com/account/billing" for line in lines)


def test_what_is_not_known_is_not_shown() -> None:
    """No empty headings."""
    page = CATALOGUE.render(CATALOGUE.explain(CATALOGUE.classify(Failure(status=429))))
    assert "What the provider said" not in page


def test_the_short_form() -> None:
    """What happened, what happens now, the first thing to do: no more than fits at a glance."""
    said = CATALOGUE.explain(CATALOGUE.classify(Failure(status=402, provider="deepseek", body=b"Insufficient Balance")))
    text = CATALOGUE.short(said)
    assert said.what in " ".join(text.split())
    assert "platform.deepseek.com" in text
    assert len(text.splitlines()) <= 6
    assert said.actions[1].text not in text


@pytest.mark.parametrize("language", ["en", "ko", "zh"])
@pytest.mark.parametrize("width", [40, 60, 80])
def test_lines_keep_within_the_terminal(language: str, width: int) -> None:
    """Chinese breaks between characters and Korean between words; wide characters count twice."""
    finding = CATALOGUE.classify(Failure(text="429 tokens per minute (TPM): Limit 30000, Used 29000, Requested 2000."))
    page = CATALOGUE.render(CATALOGUE.explain(finding, language=language), width=width)
    for line in page.splitlines():
        assert columns.width(line) <= width or "http" in line, line
        assert not line.strip().startswith(("，", "。", "）", "：")), line


def test_which_rules_looked() -> None:
    """The one that decided with its bytes, those that agree, and for the others what was missing."""
    text = CATALOGUE.why_page(Failure(text="402 Insufficient Balance"))
    assert 'decided: generic.balance (insufficient_quota, 42): status 402; the words "Insuf' in " ".join(text.split())
    assert "matched as well: generic.payment (insufficient_quota, 49): status 402" in text
    assert "fault: network.unreachable" in text


@pytest.mark.parametrize(
    ("language", "said"), [("ko", "결정한 규칙: generic.balance"), ("zh", "起决定作用的规则：generic.balance")]
)
def test_which_rules_looked_in_other_languages(language: str, said: str) -> None:
    """The rule keeps its name and the bytes stay as they came; all that we say about them is told."""
    text = CATALOGUE.why_page(Failure(text="402 Insufficient Balance"), language)
    assert said in text
    assert '"Insufficient Balance"' in " ".join(text.split())
    assert not any(word in text for word in ("the words", "decided", "matched"))
