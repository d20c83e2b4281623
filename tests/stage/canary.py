"""Canary keys: every key in a test begins with CANARY-, and nothing that the suite's programs wrote may hold one.

A test (or a fixture) names what was written: `canary.watch(folder)`, or `canary.see("answer of curl", data)` for what
is in no file. At the end of the session all of it is searched, also for the key in base64 and hex; a hit fails the run.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MARK = b"CANARY-"

HOLD_KEYS = frozenset({"authinfo", ".authinfo", "netrc", ".netrc", "config.yaml"})
"""Names of the files in which the tests themselves put keys."""

_CHUNK = 1 << 20
_OVERLAP = 64


def _forms() -> Iterator[bytes]:
    """The mark as it is, in hex, and as it stands in base64 at each of the three alignments (edges cut off)."""
    yield MARK
    yield MARK.hex().encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + MARK)
        yield encoded[(0, 2, 3)[shift] : 4 * ((shift + len(MARK)) // 3)]


PATTERN = re.compile(b"|".join(re.escape(form) for form in _forms()))


@dataclass(frozen=True)
class Hit:
    """A key where none may be."""

    where: str
    offset: int
    test: str

    def __str__(self) -> str:
        return f"{self.where}: a key at byte {self.offset} (written in {self.test})"


@dataclass
class Canary:
    """Collects what was written in this test run."""

    hits: list[Hit] = field(default_factory=list)
    watched: dict[Path, str] = field(default_factory=dict)
    """Path to the test that named it."""

    def watch(self, path: Path | str) -> None:
        """Search this file, or all files below this folder, at the end of the session."""
        self.watched.setdefault(Path(path), _test())

    def see(self, name: str, data: bytes | str) -> None:
        """Search DATA now; NAME says what it is."""
        data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        self.hits += [Hit(name, match.start(), _test()) for match in PATTERN.finditer(data)]

    def search(self, path: Path | str, test: str | None = None) -> None:
        """Search a file or folder now: for what is removed before the session ends."""
        for file in _files(Path(path)):
            self.hits += [Hit(str(file), offset, test or _test()) for offset in _offsets(file)]

    def finish(self) -> list[Hit]:
        """Search all that is watched, and return everything found in the session."""
        for path, test in self.watched.items():
            self.search(path, test)
        self.watched.clear()
        return self.hits


def _test() -> str:
    return os.environ.get("PYTEST_CURRENT_TEST", "no test").rpartition(" (")[0] or "no test"


def _files(path: Path) -> Iterator[Path]:
    """The regular files at or below PATH that are searched; links are not followed."""
    if path.is_file() and not path.is_symlink():
        yield path
    for folder, _, names in os.walk(path):
        for name in sorted(names):
            file = Path(folder, name)
            if name not in HOLD_KEYS and file.is_file() and not file.is_symlink():
                yield file


def _offsets(file: Path) -> Iterator[int]:
    """Where keys are in FILE, read in pieces that overlap; a place in the overlap is told once."""
    start, last, tail = 0, -1, b""
    with file.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            window = tail + piece
            base = start - len(tail)
            for match in PATTERN.finditer(window):
                if base + match.start() > last:
                    last = base + match.start()
                    yield last
            start += len(piece)
            tail = window[-_OVERLAP:]


_STASH = pytest.StashKey[Canary]()


def pytest_configure(config: pytest.Config) -> None:
    """One collector for the session."""
    config.stash[_STASH] = Canary()


@pytest.fixture(scope="session")
def canary(pytestconfig: pytest.Config) -> Canary:
    """The session's collector of what may hold no key."""
    return pytestconfig.stash[_STASH]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A key that was found fails the run."""
    if session.config.stash[_STASH].finish():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where the keys are."""
    if hits := config.stash[_STASH].hits:
        terminalreporter.section("keys that were written", red=True)
        for hit in hits:
            terminalreporter.write_line(str(hit))
