"""Tokens of a text."""

import random
import re
import time
from pathlib import Path

import pytest

from daemon.pacing import tokens
from daemon.pacing.tokens import PIECES, SAMPLE_ABOVE, text_tokens

PROSE = "The quick brown fox jumps over the lazy dog, and then it goes home to sleep for the whole afternoon. "


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (PROSE * 10, 200, 260),
        ("안녕하세요 오늘 날씨가 참 좋습니다 " * 10, 90, 190),
        ("0123456789 " * 30, 110, 130),
        ("aGVsbG8gd29ybGQ" * 40, 350, 450),
        ("", 0, 0),
    ],
)
def test_estimates_lie_near_real_token_counts(text: str, low: float, high: float) -> None:
    """Prose, Korean, digits and base64 are each counted in their own way (o200k counts)."""
    assert low <= text_tokens(text, "gpt-4o") <= high


def test_a_megabyte_is_judged_by_samples() -> None:
    """A long text costs milliseconds, and comes out within a few percent of the whole count."""
    text = (PROSE + "x = {'a': [1, 2, 3]}\n") * 10_000
    began = time.thread_time()
    sampled = text_tokens(text, "gpt-4o")
    assert time.thread_time() - began < 0.25
    part = text[:40_000]
    assert sampled == pytest.approx(text_tokens(part, "gpt-4o") * len(text) / len(part), rel=0.03)


KINDS = (
    "abcdefghijklmnop", "ABC xyz", "0123456789", "!-/:;.,~`{|}@[]^_", "\r\n", " \t", "+/=_-aZ9", "\x00\x0b\x1f\x7f",
    "\u1100\u11ff\u3130\ud7af\uac00", "\u3400\u4dbf\u9fff\ufaff", "\u3040\u30ff", "é\u2028ß",
    "\U0001f600\U0010ffff", "\ud800\udfff",
)  # fmt: skip
"""Alphabets: each class, its edges, and what belongs to none."""


def any_text(rng: random.Random) -> str:
    """Runs of all kinds and lengths, long ones too."""
    runs = [rng.choices(rng.choice(KINDS), k=rng.choice((1, 2, 3, 7, 8, 14, 15, 16, 47, 48, 200))) for _ in range(30)]
    return "".join("".join(run) for run in runs[: rng.randrange(31)])


@pytest.mark.parametrize("seed", range(400))
def test_the_figures_are_those_of_the_plain_way(seed: int) -> None:
    """Counted as bits, each text has to the last bit the tokens that one regular expression a class finds."""
    rng = random.Random(seed)
    text = any_text(rng)
    for model in ("gpt-4o", "gpt-3.5-turbo", None):
        assert text_tokens(text, model) == by_regex(text, model)


def test_the_longest_text_that_is_counted_whole() -> None:
    """Also when each of its characters has four bytes, what is counted last is counted."""
    text = "\U0001f600" * (SAMPLE_ABOVE - 5) + " a 1!"
    assert text_tokens(text, "m") == by_regex(text, "m")
    runs = "x" * 15 + " " + "7" * 31 + " "
    text = runs * (SAMPLE_ABOVE // len(runs))
    assert text_tokens(text, "m") == by_regex(text, "m")


@pytest.mark.parametrize("pattern", ["README.md", "daemon/pacing/*.py", "daemon/data/words/phrases/ko.yaml"])
def test_pieces_lie_near_the_whole(pattern: str) -> None:
    """A long text of prose, code or Korean, wherever the pieces fall: at most 4 % off. (The sources of a room
    are fifteen times as long as what is counted of them.)"""
    text = "".join(path.read_text() for path in sorted(Path(__file__).parents[2].glob(pattern)))
    assert len(text) > SAMPLE_ABOVE > PIECES
    for start in range(0, 2000, 250):
        assert text_tokens(text[start:], "m") == pytest.approx(by_regex(text[start:], "m"), rel=0.04)


def by_regex(text: str, model: str | None) -> float:
    """The plain way: a regular expression for each class."""
    total = 0.70 * sum(map(len, re.findall(r"[A-Za-z0-9+/=_-]{48,}", text)))
    rest = re.sub(r"[A-Za-z0-9+/=_-]{48,}", " ", text)
    if not rest.isascii():
        total += tokens._foreign(rest, model)
    return (
        total
        + len(re.findall(r"[A-Za-z]{1,7}", rest))
        + len(re.findall(r"[0-9]{1,3}", rest))
        + 0.9 * len(re.findall(r"[!-/:-@\[-`{-~]+", rest))
        + 0.6 * len(re.findall(r"[\r\n]+[ \t]*", rest))
    )
