"""Places of values in JSON texts, held against what the json module reads there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.providers.spans import elements, members, skipped

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES), st.sampled_from([None, 2]))
def test_members_are_where_json_finds_them(value: dict[str, Any], indent: int | None) -> None:
    """Each place holds the text of its value, whatever the value is and however it is indented."""
    text = json.dumps(value, indent=indent)
    assert {name: json.loads(span.of(text)) for name, span in members(text).items()} == value


@given(st.lists(VALUES), st.sampled_from([None, 2]))
def test_elements_are_where_json_finds_them(value: list[Any], indent: int | None) -> None:
    """The same for arrays."""
    text = json.dumps(value, indent=indent)
    assert [json.loads(span.of(text)) for span in elements(text, 0)] == value


@pytest.mark.parametrize("text", ['["]"]', "[[1],[2]]", '[{"a":[1]}]', "[1, 2]", '"a\\"b"', '"a\\\\"', "-1.5e3", "[]"])
def test_the_short_way_ends_where_the_value_ends(text: str) -> None:
    """Brackets within strings, arrays within arrays, quotes that are escaped: none ends a value too early."""
    assert skipped(text + ", 7]", 0) == len(text)


@pytest.mark.parametrize(
    "text", ["", "[", "{", '{"a"', '{"a":', '{"a":1', "{,}", "{1:2}", '{"a":1 "b":2}', "[1,", "[1 2]"]
)
def test_what_is_no_json_is_an_error(text: str) -> None:
    """A broken text never loops and never gives half an answer."""
    with pytest.raises(ValueError):  # noqa: PT011 - the text of the message is for nobody
        (list(elements(text, 0)) if text[:1] == "[" else members(text))
