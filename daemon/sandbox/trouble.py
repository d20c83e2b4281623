"""What goes wrong, in no provider's words: the APIs' modules say it in theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dimension = Literal["requests", "tokens", "input_tokens", "output_tokens", "images"]
Window = Literal["second", "minute", "hour", "day"]

Kind = Literal[
    "rate", "too-large", "concurrency", "bare", "insufficient-quota", "billing-inactive", "spend-limit", "not-in-plan",
    "plan-window", "overloaded", "slow-down", "server-error", "invalid-key", "suspended", "permission", "not-found",
    "no-path", "bad-request",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a request does not get its answer. Figures are 0 and the wait None where they mean nothing."""

    kind: Kind
    dimension: Dimension = "requests"
    window: Window = "minute"
    limit: float = 0
    used: float = 0
    requested: float = 0
    wait_s: float | None = None
    """Seconds until the same request would pass."""
    detail: str = ""
    """The message, where the kind alone does not say enough (bad-request, no-path)."""


def figure(amount: float) -> int:
    """The figure as providers print it."""
    return round(amount)
