"""The plan of the house as a test: storeys, mirrored tests, secrets; what people can set or call is documented.

Each rule is a few lines over the syntax trees; a rule that fails names the file, the line and the way out.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DAEMON = ROOT / "daemon"
TESTS = ROOT / "tests"

STOREYS: tuple[frozenset[str], ...] = (
    frozenset({"__main__"}),
    frozenset({"cli"}),
    frozenset({"app"}),
    frozenset({"doors"}),
    frozenset({"operations"}),
    frozenset({"gateway"}),
    frozenset(
        {
            "pacing",
            "explain",
            "providers",
            "upstream",
            "journal",
            "curl",
            "config",
            "sandbox",
            "log",
            "process",
            "desktop",
            "usage",
            "systemd",
            "cache",
        }
    ),
    frozenset({"model", "spending", "fallback", "packed"}),
    frozenset({"redact", "errors", "arguments", "dimensions", "daybreak", "quotas"}),
    frozenset({"phrases", "columns", "slips"}),
    frozenset({"datafile", "document", "whole", "lazily", "inlet", "owner"}),
)
"""Top floor first. A room may import what is on a lower floor, never what is beside or above it."""

ROOT_NAMES = frozenset({"__version__", "TYPE_CHECKING"})
"""What daemon/__init__.py itself offers; any room may import it."""

READ_CONFIG = frozenset({"app", "cli"})
USE_AIOHTTP = ("daemon/sandbox",)
MAY_REVEAL = ("daemon/upstream", "daemon/redact")
NO_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "handler", "service", "base"})
LONGEST_FUNCTION = 60
"""Lines. Functions are around ten; a longer one needs a reason, and no reason is good for more than this."""

NO_TEST_OF_ITS_OWN = frozenset({"__init__", "__main__"})
"""Module names without a mirrored test: a face and an entry point are tested through what they offer.

A module without a line of behaviour (values and protocols only) needs none either."""

FORBIDDEN = tuple(
    "".join(parts)
    for parts in (
        ("/", "work", "/"), ("/", "root", "/"), ("/tmp/", "brief"), ("/tmp/", "emacs-work"), ("/tmp/", "tooling"),
        ("deb.", "debian", ".org"), ("snapshot.", "debian", ".org"), ("security.", "debian", ".org"),
        ("archive.", "ubuntu", ".com"), ("deb.", "nodesource", ".com"), ("files.", "python", "hosted", ".org"),
        ("pypi", ".org/simple"), ("registry.", "npmjs", ".org"), ("shared/", "facts"), ("shared/", "hooks"),
    )
)  # fmt: skip
"""Paths of single machines and hosts of package registries. In pieces, so that this list does not find itself."""


def _sources() -> list[Path]:
    return sorted(DAEMON.rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _name(path: Path) -> str:
    """The path as people write it: `daemon/doors/http.py`."""
    return path.relative_to(ROOT).as_posix()


def _room(path: Path) -> str:
    """The room that a file belongs to: `doors` for daemon/doors/http.py, `model` for daemon/model.py."""
    return path.relative_to(DAEMON).parts[0].removesuffix(".py")


def _storey(room: str) -> int:
    return next(i for i, rooms in enumerate(STOREYS) if room in rooms)


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of all that a file imports, also inside of functions and for type checkers alone."""
    package = ("daemon", *path.relative_to(DAEMON).parts[:-1])
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def _rooms_imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, room) of a file's imports within the house."""
    for line, name in _imports(path):
        first, _, rest = name.partition(".")
        if first == "daemon" and rest.split(".")[0] not in {"", *ROOT_NAMES}:
            yield line, rest.split(".")[0]


def test_every_room_has_a_storey() -> None:
    """The plan above, the map in daemon/__init__.py and the folder agree, so that no room escapes the other rules."""
    rooms = {_room(path) for path in _sources()} - {"__init__"}
    assert rooms == frozenset().union(*STOREYS), "a room is missing here, or in the folder daemon/"
    about = ast.get_docstring(_tree(DAEMON / "__init__.py")) or ""
    assert not [room for room in sorted(rooms) if room not in about], "rooms that the map in daemon/__init__.py lacks"


def test_imports_go_downward_only() -> None:
    """No room imports from its own storey or from above: the arrows of the design hold."""
    wrong = []
    for path in _sources():
        room = _room(path)
        if room == "__init__":
            wrong += [f"{_name(path)}:{line} imports {other}" for line, other in _rooms_imported(path)]
            continue
        wrong += [
            f"{_name(path)}:{line} {room} imports {other}, which is not below it"
            for line, other in _rooms_imported(path)
            if other != room and _storey(other) <= _storey(room)
        ]
    assert not wrong, "\n".join([*wrong, "what two rooms need is a noun in daemon/model"])


def test_only_the_top_reads_the_configuration() -> None:
    """Rooms are given plain values; only `app` and `cli` know that there is a configuration file."""
    wrong = [
        f"{_name(path)}:{line}"
        for path in _sources()
        for line, other in _rooms_imported(path)
        if other == "config" and _room(path) not in {*READ_CONFIG, "config"}
    ]
    assert not wrong, wrong


def test_only_the_sandbox_knows_aiohttp() -> None:
    """Calls pass through protocols of our own; to load aiohttp would cost each start more than all the rest of it."""
    wrong = [
        f"{_name(path)}:{line}"
        for path in _sources()
        for line, name in _imports(path)
        if name.split(".")[0] == "aiohttp" and not _name(path).startswith(USE_AIOHTTP)
    ]
    assert not wrong, wrong


def test_no_certificate_goes_unchecked() -> None:
    """One context believes everybody. It is for looking at a certificate that was refused, and used in one place."""
    unchecked = re.compile(r"CERT_NONE|check_hostname = False|_create_unverified")
    found = {(_name(path), word) for path in _sources() for word in unchecked.findall(path.read_text(encoding="utf-8"))}
    assert found == {("daemon/upstream/tls.py", "CERT_NONE"), ("daemon/upstream/tls.py", "check_hostname = False")}
    nodes = [(_name(path), node) for path in _sources() for node in ast.walk(_tree(path))]
    used = [name for name, node in nodes if isinstance(node, ast.Name) and node.id == "looking"]
    assert used == ["daemon/upstream/dialing.py"]


def test_every_line_of_the_log_hears_the_setting() -> None:
    """`log.level` is that of the logger `sluice`: whatever logs is below it."""
    names = re.compile(r"getLogger\((.*?)\)")
    asked = [(_name(path), name) for path in _sources() for name in names.findall(path.read_text(encoding="utf-8"))]
    assert asked
    assert [one for one in asked if one[1] and not one[1].startswith('"sluice')] == []


def test_only_upstream_reveals_secrets() -> None:
    """`reveal` is called where bytes leave for the provider, and nowhere else."""
    wrong = [
        f"{_name(path)}:{node.lineno}"
        for path in _sources()
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in ("reveal", "_value")
        and not _name(path).startswith(MAY_REVEAL)
    ]
    assert not wrong, wrong


def test_no_file_is_named_after_nothing() -> None:
    """A file is named after its subject: utils, helpers, managers and their kin have none."""
    parts = [(path, part.removesuffix(".py")) for path in _sources() for part in path.relative_to(DAEMON).parts]
    wrong = [_name(path) for path, part in parts if NO_NAMES & set(part.split("_"))]
    assert not wrong, wrong


def test_modules_and_functions_are_of_a_readable_size() -> None:
    """Every module says what it is, and no function is longer than a screen."""
    wrong = [f"{_name(path)}: no docstring" for path in _sources() if not ast.get_docstring(_tree(path))]
    for path in _sources():
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    wrong.append(f"{_name(path)}:{node.lineno} {node.name} has {lines} lines")
    assert not wrong, wrong


def _behaves(path: Path) -> bool:
    """True if some function of the module has a body beyond its docstring."""
    functions = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return any(not isinstance(node.body[-1], ast.Expr) or len(node.body) > 2 for node in functions)


def test_every_module_has_its_test_file() -> None:
    """daemon/x/y.py is tested in tests/x/test_y.py: whoever changes one knows where the other is."""
    missing = []
    for path in _sources():
        if path.stem in NO_TEST_OF_ITS_OWN or not _behaves(path):
            continue
        mirror = TESTS / path.relative_to(DAEMON).with_name(f"test_{path.name}")
        if not mirror.is_file():
            missing.append(f"{_name(path)} has no {_name(mirror)}")
    assert not missing, "\n".join(missing)


def test_every_test_says_what_it_proves() -> None:
    """Each test function has a docstring."""
    wrong = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not wrong, wrong


# --- what people can set, call and read is documented


@cache
def _manual() -> str:
    """README.md and everything under doc/ that is text."""
    pages = [ROOT / "README.md", *sorted(path for path in (ROOT / "doc").rglob("*") if path.suffix in (".md", ".org"))]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def _dotted(value: Any, prefix: str = "") -> Iterator[str]:
    """`queue.max_waiting` for each leaf of nested mappings; an empty mapping is a leaf."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _dotted(below, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix


def _yaml_examples(text: str) -> Iterator[str]:
    """The settings that the manual's YAML examples use, as dotted names of every depth."""
    blocks = re.findall(r"^```ya?ml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    blocks += re.findall(r"^#\+begin_src ya?ml\n(.*?)^#\+end_src", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    for block in blocks:
        for leaf in _dotted(yaml.safe_load(block)):
            parts = leaf.split(".")
            yield from (".".join(parts[: i + 1]) for i in range(len(parts)))


def _settings() -> Iterator[tuple[str, list[int]]]:
    """(dotted name, lines counted from 0 of the keys that lead to it) of each setting in defaults.yaml."""

    def walk(node: yaml.Node, prefix: str, above: list[int]) -> Iterator[tuple[str, list[int]]]:
        assert isinstance(node, yaml.MappingNode)
        for key, value in node.value:
            name, lines = f"{prefix}{key.value}", [*above, key.start_mark.line]
            if isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
                yield from walk(value, name + ".", lines)
            else:
                yield name, lines

    top = yaml.compose((DAEMON / "data" / "defaults.yaml").read_text(encoding="utf-8"))
    assert top is not None
    yield from walk(top, "", [])


def _commented(lines: list[str], line: int) -> bool:
    """True if a comment stands on this line, above it, or above its neighbour: it may speak of two settings."""
    if re.search(r"\s#\s?\S", lines[line]):
        return True
    above = [text.strip() for text in lines[max(0, line - 2) : line]]
    return bool(above) and (above[-1].startswith("#") or (above[0].startswith("#") and above[-1] != ""))


def test_every_setting_has_a_comment() -> None:
    """defaults.yaml is the reference: what a setting does stands above it, on its line, or above its group."""
    lines = (DAEMON / "data" / "defaults.yaml").read_text(encoding="utf-8").splitlines()
    wrong = [
        f"defaults.yaml:{where[-1] + 1} {name}"
        for name, where in _settings()
        if not any(_commented(lines, line) for line in where)
    ]
    assert not wrong, wrong


def test_every_setting_is_in_the_manual() -> None:
    """Each setting is named in README.md or doc/, dotted (`queue.max_waiting`) or inside of a YAML example."""
    manual, used = _manual(), set(_yaml_examples(_manual()))
    settings = [name for name, _ in _settings()]
    assert settings, "defaults.yaml has no settings"
    wrong = [name for name in settings if name not in used and not re.search(rf"[`\"=~]{re.escape(name)}\b", manual)]
    assert not wrong, wrong


def test_every_operation_is_in_the_manual() -> None:
    """Each row of the table of operations is named in README.md or doc/protocol.md."""
    from daemon.operations import OPERATIONS

    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "README.md", ROOT / "doc" / "protocol.md"))
    wrong = [name for name in OPERATIONS if not re.search(rf"[`\"]{re.escape(name)}\b", pages)]
    assert not wrong, wrong


def _sub_commands(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The sub-commands of the real command line, taken from the parser at the moment when it is used."""
    from daemon.cli import main

    class Caught(Exception):
        pass

    def catch(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        raise Caught([*parser._actions])

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", catch)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", catch)
    with pytest.raises(Caught) as caught:
        main(["--help"])
    actions = caught.value.args[0]
    return {name for action in actions if isinstance(action, argparse._SubParsersAction) for name in action.choices}


def test_every_sub_command_is_in_the_manual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sub-command is named in README.md or doc/ as one types it: `daemon status`."""
    commands = _sub_commands(monkeypatch)
    assert {"serve", "status", "calls", "curl", "explain", "check", "demo"} <= commands
    wrong = [name for name in sorted(commands) if not re.search(rf"\bdaemon \[?{re.escape(name)}\b", _manual())]
    assert not wrong, wrong


def test_every_subtype_is_in_the_readme() -> None:
    """The README's table shows each kind of failure that is told apart."""
    from daemon.explain import Catalogue

    rows = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    subtypes = [entry if isinstance(entry, str) else _subtype(entry) for entry in Catalogue.load().subtypes()]
    assert subtypes, "the catalogue knows no subtypes"
    wrong = [name for name in subtypes if not any(f"`{name}`" in row for row in rows)]
    assert not wrong, wrong


def _subtype(entry: Any) -> str:
    """The name in one row of `Catalogue.subtypes()`, whichever form the row has."""
    if isinstance(entry, dict):
        return str(entry["subtype"])
    return str(entry.subtype if hasattr(entry, "subtype") else entry[0])


# --- the files as a whole


@cache
def _project_files() -> tuple[Path, ...]:
    """All files that git would publish; without git, all but what tools have made."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        run = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        made = re.compile(r"(^|/)(\.(?!ci/|gitignore)[^/]+|__pycache__|build|dist|[^/]+\.egg-info)(/|$)")
        found = (path for path in ROOT.rglob("*") if not made.search(_name(path)))
        return tuple(path for path in found if path.is_file())
    paths = (ROOT / name for name in run.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def test_no_file_names_a_machine_or_a_registry() -> None:
    """The project works anywhere: no path of one machine, no host of a package registry stands in it."""
    wrong = []
    for path in _project_files():
        text = path.read_bytes().decode("utf-8", "replace")
        wrong += [f"{_name(path)}: {word}" for word in FORBIDDEN if word in text]
    assert not wrong, wrong


def test_nothing_is_left_undone() -> None:
    """No placeholder stands in for work: what is in the tree is finished."""
    word = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")))
    wrong = [
        f"{_name(path)}:{i}"
        for path in _project_files()
        if path.suffix in (".py", ".el", ".yaml", ".sh", ".md", ".org")
        for i, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if word.search(line)
    ]
    assert not wrong, wrong


def test_one_version_everywhere() -> None:
    """The daemon, the Emacs package and the newest entry of the change log name the same version."""
    from daemon import __version__

    header = re.search(r"^;; Version: (\S+)$", (ROOT / "elisp" / "sluice.el").read_text(encoding="utf-8"), re.MULTILINE)
    entry = re.search(r"^## \[?(\d[^\]\s]*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert header is not None
    assert entry is not None
    assert (header[1], entry[1]) == (__version__, __version__)


@pytest.mark.parametrize(
    "script",
    [".ci/run", ".ci/venv.sh", ".ci/audit.sh", ".ci/install-emacs.sh", ".ci/machine.sh", ".ci/env.sh", "tests/run"],
)
def test_the_scripts_parse(script: str) -> None:
    """Bash accepts each script; a slip in one that runs rarely is found here."""
    run = subprocess.run(["bash", "-n", str(ROOT / script)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
