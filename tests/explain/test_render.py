"""The whole text for a terminal."""

from __future__ import annotations

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
