"""Token estimates."""

from dataclasses import replace

import pytest
from world import origin

from daemon.model import Ask
from daemon.pacing.costs import INPUT_ALONE
from daemon.pacing.estimate import AS_PRODUCED, FULL_OUTPUT, Calibration, Estimator, is_guessed
from daemon.pacing.feedback import CACHED_IS_FREE, COUNTS_REFUSED
from daemon.providers import load_providers

PROSE = "The quick brown fox jumps over the lazy dog, and then it goes home to sleep for the whole afternoon. "


def test_a_call_reserves_its_maximum_for_each_answer() -> None:
    """max_tokens counts n times; without it the first calls reserve a thousand."""
    estimator, where = Estimator(), origin()
    two = estimator.weigh(where, Ask("chat", "m", text="hi", messages=1, max_output=50, choices=2))
    assert two.output == 100
    assert estimator.weigh(where, Ask("chat", "m", text="hi", messages=1)).output == 1024
    assert estimator.weigh(where, Ask("embeddings", "m", text="hi")).output == 0
    assert estimator.weigh(where, Ask("images", "m", choices=3)).images == 3


def test_what_nobody_reserves_is_guessed() -> None:
    """Anthropic counts output as it is produced: of a maximum of 4096 no more is reserved than answers are long. So it
    is where a call sets none, but at providers that reserve the model's own maximum then."""
    estimator, claude = Estimator(), replace(origin(), provider="anthropic")
    ask = Ask("messages", "claude", text="hi", messages=1, max_output=4096)
    assert estimator.weigh(claude, ask).output == 1024
    assert estimator.weigh(claude, replace(ask, max_output=200)).output == 200
    for _ in range(3):
        estimator.learn(claude.host, "claude", 10, 10, 300)
    assert estimator.weigh(claude, ask).output == 300
    assert estimator.weigh(replace(claude, provider="openai"), ask).output == 4096
    guesses = [is_guessed(ask, "anthropic"), is_guessed(ask, "openai"), is_guessed(replace(ask, max_output=None), "x")]
    assert guesses == [True, False, True]
    assert not is_guessed(replace(ask, max_output=None), "azure")


def test_each_provider_that_counts_in_its_own_way_is_known() -> None:
    """A name that nobody has would never be asked for."""
    names = {*FULL_OUTPUT, *AS_PRODUCED, *INPUT_ALONE, *COUNTS_REFUSED, *CACHED_IS_FREE}
    assert names <= set(load_providers())


def test_what_is_charged_at_the_door_is_never_less_than_a_quarter_of_the_characters() -> None:
    """Providers guess from characters before they count: long words are one token to a tokenizer, and three to a
    door. A script with more tokens than that keeps its own estimate."""
    estimator, where = Estimator(), origin()
    words = "provider gateway question " * 100
    weighed = estimator.weigh(where, Ask("chat", "gpt-4o", text=words, messages=1))
    assert weighed.input >= len(words) / 4 > weighed.raw_input
    korean = estimator.weigh(where, Ask("chat", "gpt-4o", text="안녕하세요 오늘 날씨가 참 좋습니다 " * 10, messages=1))
    assert korean.input > 2 * len("안녕하세요 오늘 날씨가 참 좋습니다 " * 10) / 4


def test_what_the_provider_reports_calibrates_the_model() -> None:
    """A model whose tokens are twice ours is estimated right after some answers; another is untouched."""
    estimator, where = Estimator(), origin()
    ask = Ask("chat", "m", text=PROSE * 20, messages=1)
    raw = estimator.weigh(where, ask).raw_input
    for _ in range(40):
        estimator.learn(where.host, "m", raw, 2 * raw, 100)
    learned = estimator.weigh(where, ask)
    assert 2.0 * raw <= learned.input <= 2.2 * raw
    assert learned.output == 100
    assert estimator.weigh(where, Ask("chat", "other", text=PROSE * 20, messages=1)).input < 1.2 * raw


def test_calibration_survives_a_restart_and_nonsense_does_not() -> None:
    """It is remembered; what cannot be read is ignored."""
    kept: dict[str, str] = {"bad": "{", "worse": '{"factor": 99, "spread": 0, "seen": 1, "outputs": []}'}

    class Kept:
        def recall(self, kind: str) -> dict[str, str]:
            return kept

        def remember(self, kind: str, key: str, value: str) -> None:
            kept[key] = value

        remember_now = remember

        def forget(self, kind: str, key: str) -> None: ...

    first = Estimator(Kept())
    for _ in range(9):
        first.learn("h", "m", 100, 150, 10)
    assert Estimator(Kept()).of("h", "m").factor == pytest.approx(1.5, rel=0.1)


def test_absurd_reports_are_bounded() -> None:
    """A provider that reports a million tokens for a word cannot stop all calls."""
    calibration = Calibration()
    for _ in range(100):
        calibration.learn_input(10, 1_000_000)
    assert calibration.input(10) <= 25
