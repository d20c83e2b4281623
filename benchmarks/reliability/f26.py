"""F26: each safety check is taken out once, and a test must turn red that is green with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.reliability.figure import Figure, count
from benchmarks.reliability.mutant import Mutant
from benchmarks.reliability.mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
SHORT = 0.03
COPIED = ("daemon", "tests", "benchmarks", "pyproject.toml", ".ci")
TIMEOUT_S = 300


def measure(scale: float) -> Figure:
    """Take out checks in a copy of the tree; those of a short run are spread over the list."""
    chosen = spread(MUTANTS, count(len(MUTANTS), scale, least=2))
    lost = [mutant for mutant in MUTANTS if (ROOT / mutant.file).read_text("utf-8").count(mutant.old) != 1]
    with copied(ROOT, COPIED) as tree:
        red = [] if lost else failing(tree, chosen)
        survived = [] if lost or red else list(survivors(tree, chosen))
    reached = f"{len(chosen) - len(survived)} of {len(chosen)} killed, all tests green without a mutant"
    if survived:
        reached += ": alive are " + "; ".join(mutant.what for mutant in survived)
    if red:
        reached = "red without a mutant: " + "; ".join(" ".join(tests) for tests in red)
    if lost:
        reached = "not found any more: " + "; ".join(f"{mutant.file}: {mutant.what}" for mutant in lost)
    what = f"{len(chosen)} of {len(MUTANTS)} safety checks taken out, one at a time"
    return Figure(
        "F26", what, ">= 30 mutants, all killed", reached, ok=not (survived or red or lost) and len(MUTANTS) >= 30
    )


def spread(mutants: tuple[Mutant, ...], n: int) -> list[Mutant]:
    """N of them, evenly."""
    return [mutants[i * len(mutants) // n] for i in range(n)]


@contextmanager
def copied(source: Path, names: Iterable[str]) -> Iterator[Path]:
    """A folder with copies of the files and folders NAMES of SOURCE."""
    with tempfile.TemporaryDirectory(prefix="slu") as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        for name in names:
            if (source / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source / name, tree / name, ignore=ignored, symlinks=True)
            else:
                shutil.copy(source / name, tree / name)
        yield tree


def failing(tree: Path, chosen: Iterable[Mutant]) -> list[tuple[str, ...]]:
    """The control: of the selections of tests, each once, those that fail in TREE as it is."""
    return [tests for tests in dict.fromkeys(mutant.tests for mutant in chosen) if red(tree, tests)]


def survivors(tree: Path, chosen: Iterable[Mutant]) -> Iterable[Mutant]:
    """Those that no test in TREE minds."""
    for mutant in chosen:
        file = tree / mutant.file
        text = file.read_text("utf-8")
        file.write_text(text.replace(mutant.old, mutant.new, 1), "utf-8")
        if not red(tree, mutant.tests):
            yield mutant
        file.write_text(text, "utf-8")


def red(tree: Path, tests: tuple[str, ...]) -> bool:
    """True if TESTS fail in TREE: exit status 1, not 4 or 5, which would say that there are no such tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout", "30", *tests]
    env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "CI": ""}
    try:
        done = subprocess.run(
            command, cwd=tree, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1):
        raise RuntimeError(f"the tests {' '.join(tests)} did not run:\n{done.stdout[-2000:]}{done.stderr}")
    return done.returncode == 1
