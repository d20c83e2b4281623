"""Our data in two forms: they are equal, and an old copy is never believed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

from daemon import datafile

ROOT = Path(__file__).resolve().parents[1]


def _compiler() -> Any:
    about = importlib.util.spec_from_file_location("compiled", ROOT / "doc" / "compiled.py")
    assert about is not None
    assert about.loader is not None
    module = importlib.util.module_from_spec(about)
    about.loader.exec_module(module)
    return module


COMPILER = _compiler()


@pytest.mark.parametrize("name", COMPILER.names())
def test_the_copies_are_fresh(name: str) -> None:
    """Whoever changes a YAML file runs `.venv/bin/python doc/compiled.py`: else each start would parse it."""
    assert Path(datafile.copy(name)).read_bytes() == COMPILER.compiled(name), "run .venv/bin/python doc/compiled.py"


def test_no_copy_is_left_over() -> None:
    """Each belongs to a YAML file that is still there."""
    assert {path.name for path in (ROOT / "daemon/data/compiled").iterdir()} == {
        Path(datafile.copy(name)).name for name in COMPILER.names()
    }


@pytest.mark.parametrize("name", sorted(set(COMPILER.names()) - {"defaults"}))
def test_the_values_are_those_of_the_yaml(name: str) -> None:
    """By the slow loader, which has not made the copy."""
    assert datafile.read(name) == yaml.safe_load(Path(datafile.source(name)).read_bytes())


def test_the_defaults_keep_their_lines() -> None:
    """A mistake in them is told with its line, whichever form was read."""
    from daemon.config.nodes import node_from, read_nodes

    parsed = read_nodes(Path(datafile.source("defaults")).read_text(encoding="utf-8"))
    assert node_from(datafile.read("defaults")) == parsed


def test_an_old_copy_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The YAML counts: a copy that was made from another text, or is broken, or missing, is as if it were not there."""
    monkeypatch.setattr(datafile, "DATA", str(tmp_path))
    (tmp_path / "compiled").mkdir()
    (tmp_path / "words.yaml").write_text("a: 1\n")
    copy = Path(datafile.copy("words"))
    assert datafile.read("words") == {"a": 1}
    copy.write_bytes(datafile.checksum(b"a: 1\n") + b'\n{"a": 2}')
    assert datafile.read("words") == {"a": 2}
    (tmp_path / "words.yaml").write_text("a: 3\n")
    assert datafile.read("words") == {"a": 3}
    copy.write_bytes(b"")
    assert datafile.read("words") == {"a": 3}
    with pytest.raises(OSError, match=r"gone\.yaml"):
        datafile.read("gone")


def test_what_json_cannot_keep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number as a key would silently become a text."""
    monkeypatch.setattr(datafile, "DATA", str(tmp_path))
    (tmp_path / "words.yaml").write_text("1: a\n")
    with pytest.raises(ValueError, match="JSON cannot keep"):
        COMPILER.compiled("words")
