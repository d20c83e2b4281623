"""The Info manual: made without a warning, it names all that a user can call or set, and nothing that is not there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from elisp.test_elisp import EMACSEN, PACKAGE

ROOT = PACKAGE.parent
MANUAL = (ROOT / "doc/sluice.org").read_text(encoding="utf-8")
CODE = {file.name: file.read_text(encoding="utf-8") for file in sorted(PACKAGE.glob("*.el"))}

KINDS = "defun|define-minor-mode|defcustom|defface|defvar|define-derived-mode|transient-define-prefix"
DEFINED = re.compile(rf"^\s*\((?:{KINDS}) (sluice[\w-]*)", re.M)
COMMAND = re.compile(
    r"\(defun (sluice[\w-]+) \([^)]*\)\s*(?:\"(?:[^\"\\]|\\.)*\")?\s*(?:\(declare [^)]*\)\s*)?\(interactive"
)
OPTION = re.compile(r"\((?:defcustom|define-minor-mode) (sluice[\w-]+)")


def internal(name: str) -> bool:
    """True for what only the package itself uses."""
    return "--" in name


def test_all_that_a_user_can_call_or_set_is_in_the_manual() -> None:
    """Each command, mode and option is named; those that only make sense on a key of a list may be named by that."""
    wanted = {name for text in CODE.values() for find in (COMMAND, OPTION) for name in find.findall(text)}
    assert len(wanted) > 30
    missing = sorted(name for name in wanted if not internal(name) and f"~{name}~" not in MANUAL)
    assert not missing, missing


def test_what_the_manual_names_exists() -> None:
    """No command, option or face of the manual is a mere memory."""
    defined = {name for text in CODE.values() for name in DEFINED.findall(text)}
    named = set(re.findall(r"~(sluice[\w-]+)~", MANUAL)) | set(re.findall(r"^#\+[FV]INDEX: (\S+)", MANUAL, re.M))
    assert not sorted(named - defined)


def test_it_is_made_without_a_warning(tmp_path: Path) -> None:
    """Emacs and makeinfo make it from doc/sluice.org, with its indices; the Texinfo for archives is fresh."""
    if shutil.which("makeinfo") is None:
        pytest.skip("makeinfo is missing; install it: apt install texinfo")
    if not EMACSEN or EMACSEN[0].version < (30,):
        pytest.skip("Emacs 30 is missing; install it with: .ci/install-emacs.sh")
    environment = {**os.environ, "EMACS": EMACSEN[0].command, "HOME": str(tmp_path)}
    command = [str(ROOT / "doc/manual.sh"), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    info = (tmp_path / "sluice.info").read_text(encoding="utf-8")
    for index in ("* sluice-send:", "* sluice-model:", "* installation:"):
        assert index in info
    committed = (ROOT / "doc/sluice.texi").read_text(encoding="utf-8")
    assert (tmp_path / "sluice.texi").read_text(encoding="utf-8") == committed, "make it anew: doc/manual.sh"


def test_the_recipe_names_files_that_are_there() -> None:
    """What the package archive would take: all files of the package, in one flat folder, and the manual."""
    recipe = (ROOT / "doc/recipes/sluice").read_text(encoding="utf-8")
    assert recipe.startswith("(sluice\n")
    files = [file for pattern in re.findall(r'"([^"]+\.(?:el|texi))"', recipe) for file in ROOT.glob(pattern)]
    assert {file.name for file in files} == {*CODE, "sluice.texi"}
