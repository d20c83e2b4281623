"""The values of options."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.arguments import WrongValue
from daemon.cli import values


@pytest.mark.parametrize(
    ("word", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), ("7d", 604800), ("999999999d", 1e9)]
)
def test_durations(word: str, seconds: float) -> None:
    """`--since` takes a number and one letter; what is longer than anybody's journal is as good as always."""
    assert values.seconds(word) == seconds


def test_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path needs a place to start from."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(WrongValue, match="give the whole path"):
        values.place("s")
    os.chdir(tmp_path)


def test_whole_numbers() -> None:
    """From the least to the most, and nothing that Python alone would take for a number."""
    read = values.between(1, 100)
    assert [read("1"), read("100")] == [1, 100]
    for word in ("0", "101", "1_0", "-1", "1.0", "", "9" * 5000):
        with pytest.raises(WrongValue, match="from 1 to 100"):
            read(word)
