"""Keys that a person must put right first."""

import pytest

from daemon.model import Finding, Priority
from daemon.pacing.block import Block, Blocked, blocks

CREDIT = Finding("insufficient_quota", "quota", "never", "sure", status=429)


@pytest.mark.parametrize(
    ("finding", "scope"),
    [
        (CREDIT, "key"),
        (Finding("invalid_api_key", "access", "never", "sure"), "key"),
        (Finding("billing_inactive", "quota", "never", "likely"), "key"),
        (Finding("not_in_plan", "quota", "never", "sure"), "pool"),
        (Finding("permission", "access", "never", "likely"), "pool"),
        (Finding("plan_window", "quota", "wait", retry_after_s=60), None),
        (Finding("permission", "access", "never", "guess"), None),
        (Finding("request_too_large", "request", "change"), None),
        (Finding("requests", "rate", "wait"), None),
        (Finding("edge_blocked", "access", "never", "sure"), "host"),
        (Finding("edge_blocked", "access", "never", "likely"), None),
    ],
)
def test_what_is_blocked_by_which_refusal(finding: Finding, scope: str | None) -> None:
    """Money and keys concern all models, a plan's models only themselves. A guess stops nobody."""
    assert blocks(finding) == scope


def test_only_interactive_calls_try_within_the_first_half_minute() -> None:
    """Later any call may be the one that tries."""
    block = Block(CREDIT, 0.0, 30.0)
    assert block.lets_try(Priority.INTERACTIVE, 1.0)
    assert not block.lets_try(Priority.NORMAL, 1.0)
    assert block.lets_try(Priority.BATCH, 31.0)


def test_the_refusal_carries_the_finding() -> None:
    """The gateway explains it as the provider's own."""
    refusal = Blocked(CREDIT, "api.openai.com")
    assert refusal.finding is CREDIT
    assert "api.openai.com" in refusal.message


def test_a_guard_is_not_said_to_need_a_person() -> None:
    """It opens by itself, when nothing more is sent."""
    message = str(Blocked(Finding("edge_blocked", "access", "never", "sure", status=429), "api.openai.com").message)
    assert "guard" in message
    assert "wait" in message
