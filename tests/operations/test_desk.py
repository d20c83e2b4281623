"""Parameters: read with mercy, refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.errors import InvalidCall
from daemon.model import Priority
from daemon.operations.desk import (
    flag_param,
    needed_text,
    number_param,
    priority_param,
    ref_param,
    text_param,
)


def test_text() -> None:
    """null counts as absent; what is no string is refused."""
    assert text_param({"a": "x"}, "a") == "x"
    assert text_param({"a": None}, "a", "d") == text_param({}, "a", "d") == "d"
    assert needed_text({"a": "x"}, "a") == "x"
    for params in ({}, {"a": None}, {"a": ""}):
        with pytest.raises(InvalidCall, match="a is missing"):
            needed_text(params, "a")
    with pytest.raises(InvalidCall, match="a is a string"):
        text_param({"a": 1}, "a")


@pytest.mark.parametrize(("value", "number"), [(1, 1.0), (1.5, 1.5), ("2", 2.0), (None, 7.0)])
def test_numbers(value: Any, number: float) -> None:
    """A number, or its digits, since an HTTP query has nothing else."""
    assert number_param({"a": value}, "a", 7.0) == number


@pytest.mark.parametrize(
    "value", [-1, 11, "x", "", "nan", "inf", float("nan"), True, [], {}, 10**400], ids=lambda value: str(value)[:9]
)
def test_wrong_numbers(value: Any) -> None:
    """What is no number between the bounds is refused with the bounds."""
    with pytest.raises(InvalidCall, match="a is a number from 0 to 10"):
        number_param({"a": value}, "a", most=10)


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        (True, True),
        (False, False),
        ("1", True),
        ("", True),
        ("Yes", True),
        ("0", False),
        ("nil", False),
        (None, True),
        (1, True),
    ],
)
def test_flags(value: Any, flag: bool) -> None:
    """Words of a query will do."""
    assert flag_param({"a": value}, "a", default=True) is flag


def test_wrong_flags() -> None:
    """Others are refused."""
    with pytest.raises(InvalidCall, match="true or false"):
        flag_param({"a": "perhaps"}, "a")


def test_priorities() -> None:
    """By their words, in any case."""
    assert priority_param({"priority": "Batch"}, Priority.NORMAL) is Priority.BATCH
    assert priority_param({}, Priority.NORMAL) is Priority.NORMAL
    with pytest.raises(InvalidCall, match="interactive"):
        priority_param({"priority": "urgent"}, Priority.NORMAL)


def test_refs() -> None:
    """A client's own id has a sane form, since it is kept and looked for."""
    assert ref_param({"ref": "gptel-1"}) == "gptel-1"
    assert ref_param({}) is None
    for ref in ("", "a b", "é", "x" * 129, "a\n"):
        with pytest.raises(InvalidCall, match="ref"):
            ref_param({"ref": ref})
