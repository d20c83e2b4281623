"""A company's own rules beside the configuration come first in the real `daemon explain`, and `--why` shows them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = "429 Rate limit: cost centre X42 has spent 900"


def explain(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the real command with a configuration in HOME."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "LC_", "LANG"))}
    return subprocess.run(
        [sys.executable, "-m", "daemon", "explain", *arguments],
        capture_output=True, text=True, timeout=60, check=False, encoding="utf-8",
        env={**quiet, "SLUICE_CONFIG": str(home / "config.yaml"), "SLUICE_STATE_DIR": str(home / "state"),
             "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A configuration in Korean, and a rule of a company's gateway."""
    (tmp_path / "config.yaml").write_text("language: ko\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "acme.yaml").write_text(
        "- id: acme.budget\n  subtype: gateway_budget\n"
        "  match: {text: 'cost centre (?P<plan>\\w+) has spent (?P<used>\\d+)'}\n"
    )
    return tmp_path


def test_the_own_rule_decides(home: Path) -> None:
    """It wins over ours, in the configured language; `--why` names it with the bytes, and what others missed."""
    done = explain(home, "--text", TEXT, "--why")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("게이트웨이 예산을 다 썼어요")
    assert "결정한 규칙: acme.budget (gateway_budget, 0)" in done.stdout
    assert '"cost centre X42 has spent 900"' in done.stdout
    assert "generic.rate" in done.stdout.split("결정한 규칙")[1].split("아래 조건이 없어서")[0]
    assert "fault: network.unreachable" in done.stdout
    assert "{" not in done.stdout


def test_the_language_of_the_call(home: Path) -> None:
    """`--language` is stronger than the configuration."""
    done = explain(home, "--text", TEXT, "--language", "zh")
    assert done.stdout.startswith("网关的预算用完了"), done.stderr


def test_a_wrong_own_rule_is_named(home: Path) -> None:
    """A mistake in a user's file is one line that names the file."""
    (home / "rules" / "acme.yaml").write_text("- {id: a, subtype: tokenz, match: {text: b}}")
    done = explain(home, "--text", TEXT)
    assert done.returncode == 1
    assert "tokenz" in done.stderr
    assert "rules" in done.stderr
