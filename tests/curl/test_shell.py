"""Quoting, printf formats and comments as pure text; test_command.py runs them."""

import re

import pytest

from daemon.curl.shell import as_comment, octal, pastes, quote


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain-1.2/x:y", "plain-1.2/x:y"),
        ("", "''"),
        ("a b", "'a b'"),
        ("$(id)", "'$(id)'"),
        ("it's", "'it'\"'\"'s'"),
        ("a\\b", "'a'\"\\\\\"'b'"),
        ("\\'", "''\"\\\\'\"''"),
        ("~", "'~'"),
        ("=ls", "'=ls'"),
    ],
)
def test_quote(text, quoted):
    """Quotes and backslashes stand in double quotes, the rest in single ones; `=` and `~` mean something in zsh."""
    assert quote(text) == quoted


def test_octal_holds_nothing_that_a_shell_reads():
    """The format has no quote, no pair of backslashes, no bare percent and no option in front."""
    made = octal("-a'\\\\%\t\udcffé")
    assert made == "\\055a\\047\\134\\134%%\\011\\377é"


def test_comments_are_harmless_words():
    """Nothing that globs, expands, redirects, substitutes, quotes or ends a line stays in a comment."""
    made = as_comment('it\'s "x" $(id) `a` * ? [b] {c} ~ ! ; & | < > # = ^ \\ \n\t\x1b[31m\u202e 50% 你好')
    assert not re.search(r"""['"$`*?\[\]{}~!;&|<>#=^\\()\n\t\x1b\u202e]""", made)
    assert "50% 你好" in made


def test_what_survives_a_terminal():
    """Visible text of a moderate length does; control characters, invisible ones and long lines do not."""
    assert pastes("Héllo 🙂")
    assert not any(pastes(text) for text in ("a\tb", "a\x7f", "\u202e", "\ud800", "x" * 3901))


@pytest.mark.parametrize(
    ("note", "comment"),
    [
        ("A guard (such as X) blocked it; nobody saw it.", "A guard, such as X, blocked it, nobody saw it."),
        ("none of this (m-9). Waiting", "none of this, m-9. Waiting"),
        ("it is kept (limit 3) (used 2): no", "it is kept, limit 3, used 2: no"),
        ("[a] b; (c)", "a, b, c"),
    ],
)
def test_a_comment_reads_as_a_sentence(note, comment):
    """Brackets and semicolons become commas; their words do not run into each other."""
    assert as_comment(note) == comment
