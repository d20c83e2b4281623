"""What the dialects have in common."""

from daemon.providers.dialect import Gathered, count, encoded, items, model_name, section


def test_counts() -> None:
    """Whole numbers from zero to the bound, nothing else."""
    assert [count(value) for value in (0, 5, 5.0, 10**9)] == [0, 5, 5, 10**9]
    assert [count(value) for value in (-1, 0.5, True, "5", None, [], 10**10, float("inf"))] == [None] * 8


def test_model_names() -> None:
    """A model becomes the name of a queue: no empty, long or other values."""
    assert model_name("gpt-4o") == "gpt-4o"
    assert [model_name(value) for value in ("", "x" * 201, 3, None, {})] == [None] * 5


def test_parts_of_the_wrong_type_are_empty() -> None:
    """Sections and lists are what they should be, or empty."""
    assert section({"a": {"b": 1}}, "a") == {"b": 1}
    assert section({"a": [1]}, "a") == {}
    assert items({"a": "text"}, "a") == []


def test_lone_surrogates_do_not_break_a_request() -> None:
    """JSON may carry half a character; providers do not take it."""
    assert encoded({"a": "x\udc00"}) == b'{"a":"x?"}'


def test_gathering_takes_only_text() -> None:
    """Numbers, nulls and unknown parts add nothing."""
    gathered = Gathered()
    gathered.add([None, 3, {"type": "input_audio", "input_audio": {"data": "AAAA"}}, {"type": "text", "text": "yes"}])
    assert gathered.text == "yes"
    assert gathered.images == 0
