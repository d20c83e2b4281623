"""Runs the tests and gates of the Emacs package in every Emacs that is found: the newest one and the oldest supported.

`.ci/install-emacs.sh` puts both in place; `.ci/env.sh` tells where, by SLUICE_EMACS_30, SLUICE_EMACS_28,
SLUICE_GPTEL_PATH, SLUICE_PLZ_PATH and SLUICE_PACKAGE_LINT_PATH. Without these the same places are looked up here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.providers import load_providers

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1] / "elisp"
CACHE = Path(os.environ.get("SLUICE_CI_CACHE") or Path.home() / ".cache/sluice-ci")
INSTALL = "install it with: .ci/install-emacs.sh"
TIMEOUT_S = 110
"""For one Emacs process; they take 2 to 10 seconds on an idle machine."""

SUMMARY = re.compile(
    r"Ran (\d+) tests, (\d+) results as expected(?:, (\d+) unexpected)?.*?(?:, (\d+) skipped)?$", re.MULTILINE
)


@dataclass(frozen=True)
class Emacs:
    """A command, and its version as (28, 2)."""

    command: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        return "emacs-" + ".".join(map(str, self.version))


def version_of(command: str) -> tuple[int, ...] | None:
    try:
        output = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"GNU Emacs ([\d.]+)", output)
    return tuple(int(part) for part in found[1].split(".")) if found else None


def emacsen() -> list[Emacs]:
    """Each version once, newest first."""
    commands = (
        os.environ.get("SLUICE_EMACS_30") or str(CACHE / "emacs-30/bin/emacs"),
        shutil.which("emacs") or "",
        os.environ.get("SLUICE_EMACS_28") or str(CACHE / "emacs-28.2/bin/emacs"),
    )
    found = {version: Emacs(c, version) for c in reversed(commands) if c and (version := version_of(c))}
    return [found[version] for version in sorted(found, reverse=True)]


def load_path(variable: str, name: str) -> list[str]:
    """The directories of a package and of what it needs; empty when it is missing."""
    if value := os.environ.get(variable):
        return value.split(os.pathsep)
    return sorted(map(str, (CACHE / name / "usr/share/emacs/site-lisp/elpa-src").glob("*-*")))


EMACSEN = emacsen()
GPTEL = load_path("SLUICE_GPTEL_PATH", "gptel")
PLZ = load_path("SLUICE_PLZ_PATH", "plz")
PACKAGE_LINT = load_path("SLUICE_PACKAGE_LINT_PATH", "package-lint")
TEST_FILES = sorted(HERE.glob("*-test.el"))


def run_emacs(emacs: Emacs, home: Path, directories: list[str], *arguments: str) -> tuple[int, str]:
    """Run a batch Emacs in a home of its own; return its exit status and all that it printed."""
    search = [part for directory in (*directories, str(PACKAGE), str(HERE)) for part in ("-L", directory)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "XDG_"))}
    environment |= {"HOME": str(home), "SLUICE_TEST_PYTHON": sys.executable, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [emacs.command, "-Q", "--batch", *search, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        cwd=home, env=environment, timeout=TIMEOUT_S,
        restore_signals=False,  # SIGPIPE stays ignored, as in an Emacs with a screen; a batch Emacs would end of it
    )  # fmt: skip
    return done.returncode, done.stdout


def cases() -> list[object]:
    """Every Emacs with every file; gptel needs Emacs 29."""
    pairs = ((emacs, file) for emacs in EMACSEN for file in TEST_FILES)
    return [
        pytest.param(emacs, file, id=f"{emacs}-{file.stem}")
        for emacs, file in pairs
        if emacs.version >= (29,) or not file.stem.startswith("sluice-gptel")
    ] or [pytest.param(None, None, id="no-emacs")]


def need(emacs: Emacs | None) -> Emacs:
    if emacs is None:
        pytest.skip(f"Emacs is missing; {INSTALL}")
    return emacs


@pytest.mark.parametrize(("emacs", "file"), cases())
def test_ert(emacs: Emacs | None, file: Path, tmp_path: Path) -> None:
    """Each test of a file ran in this Emacs, and passed."""
    emacs = need(emacs)
    if file.stem.startswith("sluice-gptel") and not GPTEL:
        pytest.skip(f"gptel is missing; {INSTALL}")
    if file.stem.startswith("sluice-llm") and not PLZ:
        pytest.skip(f"plz is missing; {INSTALL}")
    status, output = run_emacs(emacs, tmp_path, [*GPTEL, *PLZ], "-l", str(file), "-f", "ert-run-tests-batch-and-exit")
    summary = SUMMARY.search(output)
    assert summary, output
    ran, expected, unexpected, skipped = (int(number or 0) for number in summary.groups())
    written = len(re.findall(r"^\(ert-deftest ", file.read_text(), re.MULTILINE))
    assert (ran, expected, unexpected, skipped, status) == (written, written, 0, 0, 0), output


@pytest.mark.parametrize("gate", ["compile", "checkdoc", "package"])
@pytest.mark.parametrize("emacs", EMACSEN or [None], ids=str)
def test_gate(emacs: Emacs | None, gate: str, tmp_path: Path) -> None:
    """The package compiles without a warning, its documentation is in order, and archives will take it."""
    emacs = need(emacs)
    if gate == "package" and not PACKAGE_LINT:
        pytest.skip(f"package-lint is missing; {INSTALL}")
    files = sorted(map(str, PACKAGE.glob("*.el")))
    assert files
    status, output = run_emacs(emacs, tmp_path, PACKAGE_LINT, "-l", str(HERE / "lint.el"), gate, *files)
    assert status == 0, output
    assert f"lint: {gate}: {len(files)} files" in output


def test_each_file_has_its_tests() -> None:
    """For each file of the package there is a file of tests."""
    assert {file.stem + "-test" for file in PACKAGE.glob("*.el")} == {file.stem for file in TEST_FILES}


def test_the_names_of_providers() -> None:
    """A provider that the package names is one that the daemon knows, on such a host."""
    text = (PACKAGE / "sluice-gptel-explain.el").read_text()
    names = re.findall(r'"([a-z]+)"', text.partition("sluice-gptel-explain--providers\n")[2].partition(")")[0])
    assert len(names) > 10
    providers = load_providers()
    for name in (*names, "gemini", "xai", "copilot"):
        hosts = [host.pattern.split(".") for host in providers[name].hosts]
        assert [one for one in hosts if one[-2] in (name, "googleapis", "x", "githubcopilot")], name


WITHOUT_A_KEY = {
    *("sluice-gptel-mode", "sluice-gptel-explain-mode", "sluice-llm-mode", "sluice-warnings-mode"),
    "sluice-forget-keys",
}
"""Modes that a person turns on in the init file, and what is needed once in a year."""


def commands() -> set[str]:
    """The commands that are offered: those that are loaded when somebody calls them."""
    text = "\n".join(file.read_text() for file in PACKAGE.glob("*.el"))
    form = re.compile(
        r"^;;;###autoload[^\n]*\n\((defun|define-minor-mode|transient-define-prefix) ([a-z-]+)(.*?)(?=^\()", re.M | re.S
    )
    return {name for kind, name, body in form.findall(text + "\n(") if kind != "defun" or "(interactive" in body}


def test_commands_are_reachable_and_documented() -> None:
    """Each command has a key in the command map and a row in the README's table; the table has no other keys."""
    keys = dict(re.findall(r'\(define-key map "(.)" #\'([a-z-]+)\)', (PACKAGE / "sluice.el").read_text()))
    table = re.findall(r"^\| `C-c g (.)` \| `([a-z-]+)` \|", (HERE.parents[1] / "README.md").read_text(), re.MULTILINE)
    offered = commands()
    assert {"sluice-menu", "sluice-send", "sluice-chat", "sluice-doctor", "sluice-mode-line-mode"} <= offered
    assert offered - WITHOUT_A_KEY <= set(keys.values())
    assert dict(table) == keys


@pytest.mark.parametrize("emacs", EMACSEN[:1] or [None], ids=str)
def test_commands_are_there_from_the_beginning(emacs: Emacs | None, tmp_path: Path) -> None:
    """With `(require 'sluice)` in the init file and nothing else, each command that is offered can be called."""
    form = f"(message \"missing: %S\" (seq-remove #'commandp '({' '.join(sorted(commands()))})))"
    status, output = run_emacs(need(emacs), tmp_path, [], "-l", "sluice", "--eval", form)
    assert (status, output) == (0, "missing: nil\n")


@pytest.mark.parametrize("emacs", EMACSEN or [None], ids=str)
def test_all_settings_are_in_the_group(emacs: Emacs | None, tmp_path: Path) -> None:
    """With `(require 'sluice)` alone, `M-x customize-group RET sluice` has all settings and faces of all files."""
    texts = [file.read_text() for file in PACKAGE.glob("*.el")]
    names = [name for text in texts for name in re.findall(r"^\(def(?:custom|face) ([a-z-]+)", text, re.MULTILINE)]
    assert {"sluice-host", "sluice-limit-free", "sluice-usage-days"} <= set(names)
    form = f"""(progn (require 'cus-edit) (custom-load-symbol 'sluice)
        (message "missing: %S" (seq-remove (lambda (name) (assq name (custom-group-members 'sluice nil)))
                                           '({" ".join(sorted(names))}))))"""
    status, output = run_emacs(need(emacs), tmp_path, [], "-l", "sluice", "--eval", form)
    assert (status, output.splitlines()[-1]) == (0, "missing: nil")  # Emacs without a screen has a note before it


def test_no_name_of_an_archive_is_told() -> None:
    """The daemon is in no archive, where anybody could take its name: it is installed from its folder, and only so.

    To uninstall what is installed is another matter."""
    root = HERE.parents[1]
    places = (root / "elisp", root / "daemon", root / "README.md", root / "doc" / "sluice.org")
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*"))]
    texts = {file: file.read_text() for file in files if file.suffix in {".el", ".py", ".yaml", ".json", ".md", ".org"}}
    assert len(texts) > 100
    wrong = re.compile(r"(?:pip|pipx|uv tool|uvx|pip3) (?:install|upgrade|run) \S*sluice")
    told = [(file.name, found[0]) for file, text in texts.items() if (found := wrong.search(text))]
    assert told == [("sluice.org", "pipx install ~/sluice")]
    ours = re.compile(r"package-upgrade(?! RET gptel)|package-install RET sluice")
    assert [file.name for file, text in texts.items() if ours.search(text)] == []


def test_keys_that_users_own() -> None:
    """No file binds C-c and a letter, which users own, nor uses the prefix `daemon-`, which Emacs owns."""
    for file in PACKAGE.glob("*.el"):
        code = re.sub(r"^\s*;.*$", "", file.read_text(), flags=re.MULTILINE)
        assert not re.search(r'"C-c [A-Za-z]"', code), file
        assert not re.search(r"\((?:cl-)?def\w* \(?'?daemon-", code), file
