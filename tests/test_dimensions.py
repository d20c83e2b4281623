"""What limits count, in words."""

from __future__ import annotations

import pytest

from daemon.dimensions import DIMENSIONS, PERIODS, period_of, what
from daemon.phrases import texts


def test_each_has_a_name_of_its_own() -> None:
    """Nothing that we count is said as if it were new to us."""
    assert {what(name).name for name in DIMENSIONS} == {f"what.{name}" for name in DIMENSIONS}
    assert {period_of(name).name for name in PERIODS} == {f"period.{name}" for name in PERIODS}
    assert {f"what.{name}" for name in (*DIMENSIONS, "other")} == {name for name in texts("en") if name[:5] == "what."}


@pytest.mark.parametrize(("word", "said"), [("3 days", "3 days"), ("10 s", "10 s"), ("5 hours", "5 hours")])
def test_periods_of_any_length(word: str, said: str) -> None:
    """A count and its unit; what has no words stays."""
    assert period_of(word) == said


def test_a_dimension_that_is_new_to_us_keeps_its_name() -> None:
    """A newer daemon may count what this command line does not know."""
    assert what("video_seconds").told("ko") == "video_seconds"
    assert period_of("month").told("zh") == "每月"
