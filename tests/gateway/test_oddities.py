"""What an answer states that cannot be meant, in the log."""

from __future__ import annotations

import logging
import re

import pytest

from gateway.scripted import Answer, World, chat_answer, ok, virtual

DATE = ("Date", "Tue, 26 Mar 2024 20:00:00 GMT")


def told(waits: list[tuple[str, str]], caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level and words of what is logged about a rate refusal with the fields WAITS, which is followed by an answer."""
    body = b'{"error": {"message": "Rate limit reached", "type": "requests"}}'

    @virtual
    async def main() -> None:
        await World(Answer(429, (*waits, DATE), body), ok(chat_answer())).send()

    with caplog.at_level(logging.INFO, logger="sluice.gateway"):
        main()
    return [(one.levelname, one.getMessage()) for one in caplog.records if "retry-after" in one.getMessage().lower()]


@pytest.mark.parametrize(
    ("field", "level", "words"),
    [
        (("Retry-After", "1e9"), "WARNING", "'1e9'.*40 days are believed.*ask"),
        (("Retry-After", "Tue, 26 Mar 2099 20:00:30 GMT"), "WARNING", "2099.*40 days are believed"),
        (("Retry-After", "9" * 400), "WARNING", "'9{40}'.*40 days are believed"),
        (("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"), "INFO", "1970.*counts as no wait.*clock"),
        (("Retry-After", "-5"), "INFO", "'-5'.*passed over.*tell whoever"),
        (("Retry-After", "NaN"), "INFO", "'NaN'.*passed over"),
        (("Retry-After", "soon"), "INFO", "'soon'.*passed over"),
        (("Retry-After-Ms", "1e15"), "INFO", "'1e15' .Retry-After-Ms.*passed over"),
    ],
)
def test_an_absurd_wait_is_told(
    field: tuple[str, str], level: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 28: once for the answer that states it, with the host, what is made of it, and what to do."""
    ((how, said),) = told([field], caplog)
    assert how == level
    assert said.startswith("api.openai.com ")
    assert re.search(words, said)


@pytest.mark.parametrize(
    "waits",
    [
        [],
        [("Retry-After", "0")],
        [("Retry-After", "20")],
        [("Retry-After", "3000000")],
        [("Retry-After", "7s"), ("Retry-After-Ms", "1500")],
        [("Retry-After", "Tue, 26 Mar 2024 19:59:30 GMT")],
        [("Retry-After", "Tue, 26 Mar 2024 20:00:30 GMT")],
    ],
)
def test_a_wait_that_can_be_meant_is_not(waits: list[tuple[str, str]], caplog: pytest.LogCaptureFixture) -> None:
    """Up to 40 days, in all forms; a moment that has just gone by is what a slow network makes of it."""
    assert told(waits, caplog) == []
