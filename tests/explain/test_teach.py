"""The manual's page is made from the catalogue, and is what the catalogue says today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from daemon.explain import Catalogue
from daemon.explain.teach import failure_of, page

CATALOGUE = Catalogue.load()
PAGE = Path(__file__).resolve().parents[2] / "doc" / "subtypes.md"


def test_the_committed_page_is_the_generated_one() -> None:
    """Whoever changes rules, words or examples makes the page anew: python -m daemon.explain > doc/subtypes.md."""
    assert PAGE.read_text(encoding="utf-8") == page(CATALOGUE)


def test_the_command_writes_it() -> None:
    """`python -m daemon.explain` prints the page, in the language asked for."""
    done = subprocess.run(
        [sys.executable, "-m", "daemon.explain", "--language", "ko"], capture_output=True, timeout=60, check=True
    )
    assert done.stdout.decode().startswith("# 모든 오류와")


def test_each_kind_has_its_section() -> None:
    """Each subtype says whether waiting helps and what to do, and those with examples how they look."""
    text = page(CATALOGUE)
    for row in CATALOGUE.subtypes():
        section = text.split(f"(`{row['subtype']}`)")[1].split("\n#")[0]
        assert row["waiting"] in section
        assert row["do"] in section
    assert "- OpenAI: `" in text
    assert "Alibaba uses the words" in text


def test_examples_become_failures() -> None:
    """A text is pasted; a mapping is an answer or a fault."""
    assert failure_of("x").text == "x"
    assert failure_of({"status": 402, "body": "{}"}).body == b"{}"
    assert failure_of({"fault": "dns"}).fault == "dns"
