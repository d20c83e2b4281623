"""The language of a configuration, found without parsing the file where that is possible."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.config.file import language_of
from daemon.config.language import language_in

TEXTS = {
    "language: ko": False, "# language: ko\ndrain: 20s": False, "language: zh  # mine": False, "drain: 20s": False,
    "language: auto": False, "language: klingon": False, "language: 'ko'": True, '"language": ko': True,
    "{language: ko}": True, "language: [ko]": True, "language: ko\nlanguage: zh": True, "language:": True,
    "x: {language: ko}": True, "a: |\n  language: ko\n": True, "\ufefflanguage: ko": False, "language: ko_KR": False,
}  # fmt: skip
"""What a file holds, and whether it has to be parsed."""


@pytest.mark.parametrize("text", TEXTS)
def test_as_the_parser_finds_it(tmp_path: Path, text: str) -> None:
    """Whatever the form, the answer is the one that the whole file gives."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    assert language_in(str(path), {"LANG": "zh_CN"}) == (language_of(path) or "zh")


@pytest.mark.parametrize("text", TEXTS)
def test_parsed_only_if_need_be(tmp_path: Path, text: str) -> None:
    """A file that says nothing of a language, or says it plainly, does not cost the parser."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    asked = f"from daemon.config.language import language_in; language_in({str(path)!r}, {{}})"
    code = f"import sys; {asked}; print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environ())
    assert done.stdout.strip() == str(TEXTS[text])


def test_what_is_no_file(tmp_path: Path) -> None:
    """Nothing there, a folder, a pipe that nobody writes: nobody waits, and the system's locale counts."""
    os.mkfifo(tmp_path / "pipe")
    for path in (None, str(tmp_path / "gone"), str(tmp_path), str(tmp_path / "pipe")):
        assert language_in(path, {"LC_ALL": "ko_KR.UTF-8"}) == "ko"


def _environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
