"""The manual's page is made from the catalogue, and is what the catalogue says today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from daemon.explain import Catalogue
from daemon.explain.teach import failure_of, page
from daemon.phrases import languages

CATALOGUE = Catalogue.load()
DOC = Path(__file__).resolve().parents[2] / "doc"


@pytest.mark.parametrize("language", sorted(languages()))
def test_the_committed_page_is_the_generated_one(language: str) -> None:
    """Whoever changes rules, words or examples makes the pages anew, one a language:
    python -m daemon.explain --language ko > doc/subtypes.ko.md."""
    name = "subtypes.md" if language == "en" else f"subtypes.{language}.md"
    text = (DOC / name).read_text(encoding="utf-8")
    assert text == page(CATALOGUE, language)
    assert f"doc/{name}`" in text, "the page does not say how it is made"


def test_no_page_is_left_over() -> None:
    """A page whose language has gone would stay as it is for ever."""
    assert {path.name for path in DOC.glob("subtypes*.md")} == {
        "subtypes.md" if language == "en" else f"subtypes.{language}.md" for language in languages()
    }


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
