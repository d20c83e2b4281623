"""Values at the edge of SQLite and JSON."""

import json
import sqlite3

import pytest

from daemon.journal.plain import as_json, cell, text


@pytest.mark.parametrize(
    "value", ["a\0b", "\ud800", 2**63, -(2**70), float("nan"), float("inf"), True, None, b"x", "é🙂"]
)
def test_every_value_can_be_stored(value):
    """SQLite takes what `cell` makes of anything."""
    db = sqlite3.connect(":memory:")
    db.execute("SELECT ?", (cell(value),)).fetchone()
    db.close()


def test_plain_text_stays():
    """Only NUL and lone surrogates are replaced."""
    assert text("Grüße 🙂\n\t") == "Grüße 🙂\n\t"
    assert text("a\0\ud800") == "a\u2400\ufffd"


def test_json_of_anything():
    """Trees of anything become JSON that encodes and parses; what JSON has no word for becomes null or text."""
    made = as_json({"a": [1, 2**80, float("nan"), "\0", True, None, ("\ud800", b"x")], 3: "é"})
    made.encode()
    assert json.loads(made) == {"a": [1, 2**63 - 1, None, "\u2400", True, None, ["\ufffd", "b'x'"]], "3": "é"}


def test_json_has_no_nul():
    """Emacs' parser stops at an escaped NUL: it is replaced even where everything else is plain."""
    assert json.loads(as_json(["a\0b", "\\u0000"])) == ["a\u2400b", "\\u0000"]
