"""F26: each safety check is taken out once, and a test must turn red."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.reliability.figure import Figure, count
from benchmarks.reliability.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
SHORT = 0.03
COPIED = ("daemon", "tests", "benchmarks", "pyproject.toml", ".ci")
TIMEOUT_S = 300


def measure(scale: float) -> Figure:
    """Take out checks in a copy of the tree; those of a short run are spread over the list."""
    chosen = spread(MUTANTS, count(len(MUTANTS), scale, least=2))
    lost = [mutant for mutant in MUTANTS if (ROOT / mutant.file).read_text("utf-8").count(mutant.old) != 1]
    survived = [] if lost else list(survivors(chosen))
    reached = f"{len(chosen) - len(survived)} of {len(chosen)} killed"
    if survived:
        reached += ": alive are " + "; ".join(mutant.what for mutant in survived)
    if lost:
        reached = "not found any more: " + "; ".join(f"{mutant.file}: {mutant.what}" for mutant in lost)
    what = f"{len(chosen)} of {len(MUTANTS)} safety checks taken out, one at a time"
    return Figure(
        "F26", what, ">= 30 mutants, all killed", reached, ok=not survived and not lost and len(MUTANTS) >= 30
    )


def spread(mutants: tuple[Mutant, ...], n: int) -> list[Mutant]:
    """N of them, evenly."""
    return [mutants[i * len(mutants) // n] for i in range(n)]


def survivors(chosen: Iterable[Mutant]) -> Iterable[Mutant]:
    """Those that no test minds."""
    with tempfile.TemporaryDirectory(prefix="slu") as folder:
        tree = Path(folder) / "tree"
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True)
            else:
                tree.mkdir(exist_ok=True)
                shutil.copy(source, tree / name)
        for mutant in chosen:
            file = tree / mutant.file
            text = file.read_text("utf-8")
            file.write_text(text.replace(mutant.old, mutant.new, 1), "utf-8")
            if not killed(tree, mutant):
                yield mutant
            file.write_text(text, "utf-8")


def killed(tree: Path, mutant: Mutant) -> bool:
    """True if its tests fail: exit status 1, not 4 or 5, which would say that there are no such tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout", "30", *mutant.tests]
    env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "CI": ""}
    try:
        done = subprocess.run(
            command, cwd=tree, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1):
        raise RuntimeError(f"the tests of the mutant {mutant.what!r} did not run:\n{done.stdout[-2000:]}{done.stderr}")
    return done.returncode == 1
