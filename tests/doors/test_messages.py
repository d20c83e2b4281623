"""JSON-RPC messages: what is read, and what can be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.doors.messages import is_text, parse, plain, serialize, valid_id

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=3), parts, max_size=4),
    max_leaves=12,
)


def test_valid_id() -> None:
    """Strings and whole numbers that Emacs and the journal can keep."""
    assert all(valid_id(tag) for tag in (0, -1, 2**63 - 1, "", "x" * 128))
    assert not any(valid_id(tag) for tag in (None, True, 1.0, [], {}, 2**63, "x" * 129, "\ud800"))


@pytest.mark.parametrize(
    ("text", "words"),
    [(b"\xff", "UTF-8"), (b"NaN", "NaN"), (b"-Infinity", "Infinity"), (b"[" * 100_000, "deeply"), (b"1e999", "large")],
    ids=["bytes", "nan", "infinity", "depth", "float"],
)
def test_parse_says_what_is_wrong(text: bytes, words: str) -> None:
    """In words, without the text itself."""
    with pytest.raises(ValueError, match=words):
        parse(text)


def test_parse_never_repeats_the_text() -> None:
    """What cannot be read may hold a key."""
    with pytest.raises(ValueError, match="Expecting") as wrong:
        parse(b'{"key": CANARY-in-bad-json}')
    assert "CANARY" not in str(wrong.value)


def test_parse() -> None:
    """Plain JSON."""
    assert parse('{"a":[1,2.5,"é🦊",null]}'.encode()) == {"a": [1, 2.5, "é🦊", None]}


def test_is_text() -> None:
    """Only half of a pair is no text."""
    assert is_text({"a": ["🦊", "\0"]})
    assert not is_text({"a": ["\udfff"]})
    assert not is_text({"\ud800": 1})


def test_plain() -> None:
    """Numbers that JSON does not have become null, however deep."""
    assert plain({"a": [1.5, float("inf"), (float("nan"),)], "b": 1}) == {"a": [1.5, None, [None]], "b": 1}


def test_serialize_takes_out_only_real_nuls() -> None:
    """A backslash before `u0000` is the user's own text."""
    assert serialize({"a": "\0\0x\\\0"}) == b'{"a":"x\\\\"}'
    assert serialize({"a": "\\u0000"}) == b'{"a":"\\\\u0000"}'


def test_serialize_what_is_no_json() -> None:
    """Something odd in an answer does not lose the answer."""
    assert json.loads(serialize({"a": {1}, "b": float("inf"), "c": "\ud800"})) == {"a": "{1}", "b": None, "c": "?"}


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_whatever_goes_out_can_be_read(value: object) -> None:
    """One line of UTF-8 JSON without NUL, lone surrogates and odd numbers, whatever the value is."""
    line = serialize({"result": value})
    assert b"\n" not in line
    read = parse(line)
    assert is_text(read)
    assert "\0" not in json.dumps(read, ensure_ascii=False).replace("\\\\u0000", "")
