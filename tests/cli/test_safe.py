"""What a terminal may get."""

from __future__ import annotations

import json

from daemon.cli.safe import as_json, cell, safe

EVIL = "a\x1b[31m\x9b2J\x07\u202eb\u2066c\r\udcff\u2028d"


def test_nothing_drives_the_terminal() -> None:
    """Escapes, C1 controls, direction overrides, carriage returns and surrogates are replaced; line ends stay in
    texts and go in cells."""
    assert safe(EVIL) == "a�[31m�2J��b�c���d"
    assert safe("one\n\ttwo 한국어 🙂") == "one\n\ttwo 한국어 🙂"
    assert cell("one\ntwo\tthree") == "one�two�three"


def test_json_is_the_same_to_a_program() -> None:
    """What could drive a terminal is escaped in JSON, and reads back as what it was; other letters stay readable."""
    text = as_json({"text": EVIL, "name": "한국어"})
    assert json.loads(text) == {"text": EVIL, "name": "한국어"}
    assert "한국어" in text
    assert safe(text) == text
