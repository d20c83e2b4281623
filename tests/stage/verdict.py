"""What a run comes to: the counts that tests/run adds up, and that CI skips nothing.

With SLUICE_COUNTS=FILE in the environment the run writes `PASSED FAILED SKIPPED` into FILE.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _skipped(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return [*reporter.stats.get("skipped", []), *reporter.stats.get("xfailed", [])] if reporter else []


def in_ci() -> bool:
    """True where everything is installed, so that a skip means a check less."""
    return os.environ.get("CI", "").lower() in ("true", "1", "yes")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test fails the run; the counts are written in any case."""
    skipped = _skipped(session.config)
    if skipped and in_ci():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    target = os.environ.get("SLUICE_COUNTS")
    if reporter and target:
        failed = sum(len(reporter.stats.get(name, [])) for name in ("failed", "error", "xpassed"))
        Path(target).write_text(f"{len(reporter.stats.get('passed', []))} {failed} {len(skipped)}\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests CI has missed."""
    skipped = _skipped(config)
    if skipped and in_ci():
        terminalreporter.section("skipped, which CI does not allow", red=True)
        for report in skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            terminalreporter.write_line(f"{report.nodeid}: {reason}")
