"""What is installed: floors, the lock, and who tells of known vulnerabilities."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from daemon.cli.surroundings import numbers

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / ".ci" / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_lock_names_versions_and_hashes_only() -> None:
    """Each line is one version with one hash, whichever index it comes from."""
    lines = [line for line in LOCK.splitlines() if not line.startswith("#")]
    assert len(lines) > 20
    assert not [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+!]+ --hash=sha256:[0-9a-f]{64}", line)]


def test_the_lock_holds_what_the_project_needs() -> None:
    """Each dependency is in it, and as new as its floor; a change of a floor wants a new lock."""
    locked = dict(line.split(" ")[0].split("==") for line in LOCK.splitlines() if not line.startswith("#"))
    for need in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]):
        name, floor = re.match(r"([\w.-]+)(?:[^>]*>=([\d.]+))?", need).groups()  # type: ignore[union-attr]
        versions = {known.lower().replace("_", "-"): version for known, version in locked.items()}
        assert name.lower() in versions, f"{name} is not in the lock; run .ci/lock.py"
        assert numbers(versions[name.lower()]) >= numbers(floor or "0")


def test_what_runs_here_is_as_new_as_its_floor() -> None:
    """The tests run on what users may have, not on less."""
    for need in PROJECT["dependencies"]:
        name, floor = re.match(r"([\w.-]+)>=([\d.]+)", need).groups()  # type: ignore[union-attr]
        assert numbers(metadata.version(name)) >= numbers(floor)


def test_a_report_of_vulnerabilities(tmp_path: Path) -> None:
    """A known one is named with its mend and is a failure; none, or a text that is no report, is not."""
    script = ROOT / ".ci" / "vulnerable.py"
    told = runpy.run_path(str(script))["vulnerable"]
    hole = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
    report = json.dumps({"dependencies": [hole, {"name": "b", "version": "1", "vulns": []}]})
    assert told(report) == ["a 1: PYSEC-1; mended in 2"]
    for nothing in ("", "no report", "[]", json.dumps({"dependencies": [{"name": "b", "skip_reason": "x"}]})):
        assert told(nothing) == []
    (tmp_path / "r").write_text(report)
    assert subprocess.run([sys.executable, script, tmp_path / "r"], capture_output=True, check=False).returncode == 0


STUB = """#!/bin/sh
printf '%s\\n' "$@" >"$0.args"
while [ "$1" != --output ]; do shift; done
[ -e "$0.report" ] && cat "$0.report" >"$2" && exit 1
echo 'no route to anybody' >&2
[ -e "$0.clean" ]
"""
"""Plays pip-audit: a report with findings, nobody to ask, or nothing found."""


def audit(tmp_path: Path, report: str | None, *, clean: bool = False) -> subprocess.CompletedProcess[str]:
    """Run .ci/audit.sh in a copy of the project with that stub on PATH."""
    (tmp_path / ".ci").mkdir()
    for name in ("audit.sh", "machine.sh", "vulnerable.py"):
        shutil.copy(ROOT / ".ci" / name, tmp_path / ".ci" / name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    stub = tmp_path / "bin" / "pip-audit"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    if report is not None:
        Path(f"{stub}.report").write_text(report)
    if clean:
        Path(f"{stub}.clean").touch()
    env = {"PATH": f"{stub.parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = ["bash", str(tmp_path / ".ci" / "audit.sh")]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def finding(name: str) -> str:
    """A report of one vulnerability."""
    hole = {"name": name, "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
    return json.dumps({"dependencies": [hole, {"name": "b", "version": "1", "vulns": []}]})


def test_the_audit_looks_at_what_is_installed(tmp_path: Path) -> None:
    """At the packages of .venv, not at a list of them; a finding fails the build and is named with its mend."""
    done = audit(tmp_path, finding("aiohttp"))
    assert done.returncode == 1
    assert "aiohttp 1: PYSEC-1; mended in 2" in done.stdout
    asked = (tmp_path / "bin" / "pip-audit.args").read_text().splitlines()
    assert asked[asked.index("--path") + 1].endswith("-packages")
    assert "-r" not in asked
    assert not list(tmp_path.glob("tmp.*"))


def test_the_audit_without_a_network(tmp_path: Path) -> None:
    """Nobody can be asked: that is said with the reason, and is no failure."""
    done = audit(tmp_path, None)
    assert done.returncode == 0
    assert "nobody could be asked" in done.stderr
    assert "no route to anybody" in done.stderr


def test_the_audit_finds_nothing(tmp_path: Path) -> None:
    """It says so."""
    done = audit(tmp_path, None, clean=True)
    assert done.returncode == 0
    assert "no known vulnerability" in done.stderr


def test_the_audit_of_what_python_brings(tmp_path: Path) -> None:
    """pip itself is told of, and fails no build: nothing of Sluice runs it."""
    done = audit(tmp_path, finding("pip"))
    assert done.returncode == 0
    assert "pip 1: PYSEC-1; mended in 2" in done.stdout


def test_the_audit_without_an_environment(tmp_path: Path) -> None:
    """Nothing is installed: that is said, with what to run."""
    (tmp_path / "else").mkdir()
    audit(tmp_path / "else", None)
    (tmp_path / "else" / ".venv" / "bin" / "python").unlink()
    command = ["bash", str(tmp_path / "else" / ".ci" / "audit.sh")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert ".ci/venv.sh test" in done.stderr
