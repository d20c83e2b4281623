"""Times that a provider has printed for people."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.explain import Catalogue
from daemon.explain.catalogue import DATA
from daemon.explain.rules import read_yaml
from daemon.explain.stated import stated
from daemon.model import Failure, Finding

CATALOGUE = Catalogue.load()
ENGLISH: dict[str, Any] = read_yaml(DATA / "words" / "en.yaml")
NOVEMBER = 1_795_000_000.0  # 2026-11-18


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("Your weekly limit is reached. You may try again at Apr 28th, 2026 4:13 PM.", "Apr 28th, 2026 4:13 PM"),
        ("You've hit your limit, resets 10:30pm (Europe/Berlin)", "10:30pm (Europe/Berlin)"),
        ("Weekly limit reached, it will reset at 2031-08-27 21:31:39", "2031-08-27 21:31:39"),
        ("已达到每周使用上限，您的限额将在 2031-08-25 07:41:44 重置", "2031-08-25 07:41:44"),
        ("Please wait until 21 April 2031 for your limit to reset.", "21 April 2031"),
        ("Usage limit reached, resets 5 July 2031, 8:19 PM.", "5 July 2031, 8:19 PM"),
        ("Please wait until April 2031.", ""),
        ("The usage limits will reset when your monthly cycle ends on 11/17/2031.", "11/17/2031"),
        ("Usage limit reached, try again later.", ""),
        ("Rate limited. Retry after 30 seconds, on port 8080.", ""),
        ('{"message":"usage limit reached","resets_at":1900000000}', ""),
    ],
)
def test_a_time_without_a_zone_is_repeated(text: str, when: str) -> None:
    """What cannot be worked out is said in the provider's own words, and nothing is taken for a time that is none."""
    assert stated(CATALOGUE.classify(Failure(text=text))) == when


def test_the_stated_time_is_told() -> None:
    """In what happens now, in the line and in the first thing to do."""
    said = CATALOGUE.explain(CATALOGUE.classify(Failure(text="You've hit your limit, resets 10:30pm (Europe/Berlin)")))
    for part in (said.line, said.now, said.actions[0].text):
        assert "10:30pm (Europe/Berlin)" in part
    said = CATALOGUE.explain(Finding(subtype="requests", family="rate", retry="wait", original="try again at 4:10 PM"))
    assert "4:10 PM" in said.line


@pytest.mark.parametrize(
    "said",
    [
        "Claude AI usage limit reached|1577836800",
        "You've hit your usage limit. Try again at Apr 28th, 2026 4:13 PM.",
        "Usage limit reached, try again after 21 April 2026.",
        "Usage limit reached. It will reset when your cycle ends on 10/17/2026.",
        "已达到 5 小时的使用上限。您的限额将在 2026-08-25 07:41:44 重置。",
    ],
)
@pytest.mark.parametrize("language", ["en", "ko", "zh"])
def test_a_time_that_is_over_is_not_waited_for(said: str, language: str) -> None:
    """A text may be pasted months later: it is said that the time is over, and the first thing to do is to try."""
    finding = CATALOGUE.classify(Failure(text=said))
    told = CATALOGUE.explain(finding, language=language, now=NOVEMBER)
    again = read_yaml(DATA / "words" / f"{language}.yaml")["again"]
    assert told.actions[0].text == again
    assert told.now != CATALOGUE.explain(finding, language=language).now


@pytest.mark.parametrize(
    "said",
    ["resets Nov 18, 2026 at 3pm", "resets Nov 17, 2026", "resets 3pm", "resets Oct 9, 5pm", "resets on 10/12/2026"],
)
def test_a_time_that_may_be_to_come_is_waited_for(said: str) -> None:
    """In some zone of the world the day before is still today, and a day without a year may be one of next year."""
    told = CATALOGUE.explain(CATALOGUE.classify(Failure(text=f"Weekly limit reached, {said}")), now=NOVEMBER)
    assert told.actions[0].text != ENGLISH["again"]
