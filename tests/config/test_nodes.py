"""YAML as a tree with lines, and everything that a settings file does not need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.nodes import Wrong, read_nodes


def wrong(text: str) -> Wrong:
    with pytest.raises(Wrong) as caught:
        read_nodes(text)
    return caught.value


def test_lines_and_values() -> None:
    """Each value knows its line, its text as written, and whether it was quoted."""
    node = read_nodes('# note\nlog:\n  level: debug\n  keep: "5"\nlist: [1, off]\n')
    assert node is not None
    log = node.entries["log"]
    assert (log.line, log.entries["level"].text, log.key_lines["keep"]) == (3, "debug", 4)
    assert log.entries["keep"].quoted
    assert [item.text for item in node.entries["list"].items] == ["1", "off"]
    assert read_nodes("# only a comment\n") is None
    assert read_nodes("") is None


def test_the_same_name_twice() -> None:
    """A second value for a setting is named with both lines: YAML itself would take the last one silently."""
    error = wrong("drain: 20s\nexplain: off\ndrain: 10s\n")
    assert error.line == 3
    assert "first in line 1" in error.what


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: &x 1\nb: *x\n", 1, "not used here"),
        ("a: 1\nb: *x\n", 2, "not used here"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "tag"),
        ("a: !secret x\n", 1, "tag"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("{[1]: 2}\n", 1, "must be a word"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("a: 'x\n", 2, "not YAML"),
        ("a: \x00\n", 1, "not YAML"),
    ],
)
def test_what_is_not_needed(text: str, line: int, word: str) -> None:
    """Anchors, tags, documents and broken YAML are errors with their line."""
    error = wrong(text)
    assert error.line == line
    assert word in error.what


@pytest.mark.parametrize("text", ["[" * 500_000, "{a: " * 100_000, "- " * 100_000, "a:\n" * 3 + "".join(
    " " * n + "a:\n" for n in range(1, 300))])  # fmt: skip
def test_deep_nesting_is_refused(text: str) -> None:
    """Half a million brackets are an error and not the end of the process."""
    wrong(text)


def test_an_alias_bomb_is_refused() -> None:
    """Ten lines that would unfold to a billion values."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert wrong("\n".join(lines)).line == 1


@given(st.text(max_size=80))
def test_any_text_is_a_tree_or_wrong(text: str) -> None:
    """No other exception leaves, whatever the text is."""
    line = 1
    try:
        read_nodes(text)
    except Wrong as error:
        line = error.line
    assert line >= 1
