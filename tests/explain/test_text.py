"""Damage of all kinds is undone without losing the provider's words."""

from __future__ import annotations

import pytest

from daemon.explain import text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("│ Limit 5,     │\n│ Used 5         │", "Limit 5, Used 5"),
        ("> Rate limit\n> reached", "Rate limit reached"),
        ("web_1   | Limit 5\nweb_1   | Used 5", "Limit 5 Used 5"),
        ("1 | first\n2 | second\n3 | third", "first second third"),
        ("“typographic” ‘quotes’", "\"typographic\" 'quotes'"),
        (r"{\"error\":{\"message\":\"no\"}}", '{"error":{"message":"no"}}'),
        (r"{\\\"a\\\": \\\"b\\nc\\\"}", '{"a": "b c"}'),
        ("'first ' +\n  'second'", "'first second'"),
        ("limit: 15n* Quota exceeded for x", "limit: 15 * Quota exceeded for x"),
        ("\x1b[31mred\x1b[0m", "red"),
        (r"caf\u00e9 \ud83d", "café "),
        ("全角：数字１２", "全角:数字12"),
        (r"b'\xe9\x99\x90\xe6\xb5\x81'", "b'限流'"),
        (r"\351\231\220\346\265\201", "限流"),
        (r"\xff\xfe is not UTF-8", r"\xff\xfe is not UTF-8"),
        ("u9650u6d41u4e86 and user ubeef", "限流了 and user ubeef"),
        ("left one   │ other\nleft two   │ pane\nleft three │ here", "left one left two left three other pane here"),
    ],
)
def test_damage_is_undone(raw: str, clean: str) -> None:
    """Borders, quotes, prefixes, escapes, colours and lost backslashes leave the words as they were."""
    assert text.one_line(text.restored(raw)) == clean.strip()


@pytest.mark.parametrize(
    "words",
    [
        "Retrying in 8s...",
        "refused)Retrying in 1m16s",
        "(attempt 3/10)",
        "Will retry after 2000ms",
        "in 4.0 seconds as it raised",
        "Retry in 0.7 seconds...",
        "retrying in 7s - attempt #3",
        "Failed after 3 attempts",
        "(reached max retries: 4)",
    ],
)
def test_the_clients_own_words_go(words: str) -> None:
    """A wait or count that the client invented is not the server's."""
    assert not any(c.isdigit() for c in text.without_client(f"Error: {words}"))


@pytest.mark.parametrize(
    "words",
    [
        "Please retry in 25.4s.",
        "Please try again in 20s",
        "try again in 1m26.4s",
        "Please wait 5 seconds before retrying.",
        "Retrying in 6h16m",
        "Retrying in 2892 seconds… (attempt 1/10)",
    ],
)
def test_the_servers_wait_stays(words: str) -> None:
    """What the server says about waiting is kept."""
    assert text.without_client(words).rstrip() == words.partition(" (attempt")[0]


def test_a_wrap_inside_a_word_has_a_second_reading() -> None:
    """`reach` + newline + `ed` reads as one word in the glued form."""
    assert "reached" in text.glued("request reach\ned the limit")
    assert "free-models-per-day" in text.glued("free-models\n  -per-day")


def test_lower_case_keeps_positions() -> None:
    """Even where a lower-case letter is longer than its capital."""
    raw = "İ Limit GPT-9"
    low = text.lowered(raw)
    assert len(low) == len(raw)
    assert raw[low.index("gpt-9") :] == "GPT-9"


def test_a_huge_text_keeps_both_ends() -> None:
    """An error stands at the beginning or at the end of a log."""
    restored = text.restored("first " + "x" * 100_000 + " last")
    assert restored.startswith("first")
    assert restored.endswith("last")
    assert len(restored) < 30_000
