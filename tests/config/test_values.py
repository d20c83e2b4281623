"""Single values of the configuration."""

from pathlib import Path

import pytest

from daemon.config import values
from daemon.config.nodes import Node, Wrong, read_nodes


def node(text: str) -> Node:
    found = read_nodes(f"x: {text}\n")
    assert found is not None
    return found.entries["x"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6s", 6.0), ("500ms", 0.5), ("10m", 600.0), ("1.5h", 5400.0), ("30d", 2592000.0), ("1h30m", 5400.0),
     ("0s", 0.0), ('"6s"', 6.0), ("1h 30m", 5400.0)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    """Every unit, and sums of them."""
    assert values.duration(node(text)) == seconds


@pytest.mark.parametrize(
    ("text", "hint"),
    [("6", "Write 6s for seconds"), ("6 seconds", "for example"), ("1:30", "for example"), ("-5s", "for example"),
     ("NaN", "for example"), (".inf", "for example"), ("1e9s", "for example"), ("99999999d", "ten years"),
     ("[1]", "one value"), ("", "no value"), ("~", "no value"), ("6S", "for example")],
)  # fmt: skip
def test_what_is_no_duration(text: str, hint: str) -> None:
    """Wrong units get an example, plain numbers their likeliest meaning."""
    with pytest.raises(Wrong, match=hint):
        values.duration(node(text))


def test_zero_is_no_timeout() -> None:
    """Where a time must pass, zero is refused."""
    with pytest.raises(Wrong, match="no time at all"):
        values.positive_duration(node("0s"))


@pytest.mark.parametrize(
    ("text", "count"), [("64MiB", 64 << 20), ("500kB", 500_000), ("1GiB", 1 << 30), ("1.5MB", 1_500_000), ("7B", 7)]
)
def test_sizes(text: str, count: int) -> None:
    """Powers of 1000 and of 1024."""
    assert values.size(node(text)) == count


@pytest.mark.parametrize("text", ["64", "64M", "64 mb", "-1MiB", "0B", "9999999GiB", "NaN", "lots"])
def test_what_is_no_size(text: str) -> None:
    """Without a unit, with an ambiguous one, nothing, or too much."""
    with pytest.raises(Wrong, match=r"not a size|not between"):
        values.size(node(text))


def test_numbers() -> None:
    """Underscores are for the eye; bounds are kept."""
    read = values.number(0, 1_000_000, above=True)
    assert read(node("40_000")) == 40_000
    assert read(node("0.5")) == 0.5
    for text in ("0", "-5", "NaN", "nan", ".nan", ".inf", "1e5", "1e999", "0x10", '"5"', "five", "2000000", "10k"):
        with pytest.raises(Wrong, match=r"not a plain number|is not above"):
            read(node(text))
    with pytest.raises(Wrong, match="whole number"):
        values.whole(0, 10)(node("2.5"))


def test_yes_and_no() -> None:
    """YAML's words for true and false."""
    assert values.boolean(node("true")) is True
    assert values.boolean(node("off")) is False
    for text in ('"true"', "1", "maybe"):
        with pytest.raises(Wrong, match="true or false"):
            values.boolean(node(text))


def test_choices_are_texts() -> None:
    """`off` is a word here, though YAML would make it false."""
    read = values.choice("inline", "field", "off")
    assert read(node("off")) == "off"
    with pytest.raises(Wrong, match="Did you mean 'inline'"):
        read(node("inlin"))


def test_paths() -> None:
    """Absolute, or from the home directory."""
    assert values.path(node("/etc/ca.pem")) == Path("/etc/ca.pem")
    assert values.path(node("~/ca.pem")) == Path.home() / "ca.pem"
    with pytest.raises(Wrong, match="not absolute"):
        values.path(node("ca.pem"))
    with pytest.raises(Wrong, match="control characters"):
        values.path(node('"/a\\u0007b"'))


def test_a_key_in_place_of_its_variable() -> None:
    """The likeliest mistake is named without repeating the key."""
    assert values.environment_variable(node("OPENAI_API_KEY")) == "OPENAI_API_KEY"
    with pytest.raises(Wrong, match="never the key itself") as caught:
        values.environment_variable(node("CANARY-sk-1234"))
    assert "CANARY" not in caught.value.what


def test_patterns() -> None:
    """One or several."""
    assert values.patterns(node('"gpt-4o*"')) == ("gpt-4o*",)
    assert values.patterns(node("[a, b]")) == ("a", "b")
    with pytest.raises(Wrong, match="empty"):
        values.patterns(node("[]"))


def test_which() -> None:
    """All, none, one or several."""
    assert [values.which(node(word)) for word in ("true", "off")] == [("*",), ()]
    assert values.which(node('"true"')) == ("true",)
    assert values.which(node("gpt-4o*")) == ("gpt-4o*",)
    assert values.which(node("[a, b]")) == ("a", "b")
