"""Fields of heads: what both sides of the daemon read alike."""

from __future__ import annotations

import pytest

from daemon.upstream import Broken, fields, read_fields


def test_what_is_read() -> None:
    """Order, case and duplicates stay; by its small letters the first of each name is found, of Connection all."""
    lines = ["B: 1", "a:\t2 ", "b: 3", "Connection: close", "connection: TE"]
    headers, by_name, repeated = read_fields(lines)
    assert headers == (("B", "1"), ("a", "2"), ("b", "3"), ("Connection", "close"), ("connection", "TE"))
    assert by_name == {"b": "1", "a": "2", "connection": "close,TE"}
    assert repeated == ("b", "connection")


@pytest.mark.parametrize("line", ["", "a", "a : 1", " a: 1", "\ta", ": 1", "a b: 1", "ä: 1"])
def test_what_is_no_field(line: str) -> None:
    """No colon, a space before it, a folded line, a name that is no token; also when the name is known."""
    read_fields(["a: 1"])
    with pytest.raises(Broken) as broken:
        read_fields([line])
    assert broken.value.rule == "name"


def test_names_are_kept_within_bounds() -> None:
    """However many names come, only so many are remembered; all are read alike."""
    for number in range(3000):
        assert f"x-name-{number}" in read_fields([f"X-Name-{number}: 1"])[1]
    assert len(fields._lower_of) <= fields._MOST_NAMES
