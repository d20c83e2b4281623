"""The nouns of what calls cost: what was used on a day, prices, and a person's own budgets. Values only.

Days are dates of the person's own calendar as ISO text, `2026-11-28`. Prices are in the currency that the configuration
names, per million tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Span = Literal["day", "week", "month"]
SPANS: tuple[Span, ...] = ("day", "week", "month")

Measure = Literal["tokens", "cost", "calls"]
MEASURES: tuple[Measure, ...] = ("tokens", "cost", "calls")


@dataclass(frozen=True, slots=True)
class Spent:
    """What one client used on one day of one model, with one key."""

    day: str
    host: str
    key: str
    """Bucket name of the credential."""
    model: str
    """`-` for calls without a model."""
    client: str
    calls: int = 0
    failed: int = 0
    """Of `calls`: those whose client got a failure."""
    input: int = 0
    """Tokens, those from and for the provider's cache among them."""
    output: int = 0
    cached_input: int = 0
    cache_write: int = 0
    estimated: int = 0
    """Of `calls`: those whose tokens were counted by us, since the provider reported nothing."""

    @property
    def tokens(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of some models cost from a day on."""

    models: tuple[str, ...]
    """Shell patterns."""
    input: float
    output: float
    cached_input: float | None = None
    """None: as `input`."""
    cache_write: float | None = None
    """None: as `input`."""
    host: str = "*"
    """Shell pattern."""
    since: str = ""
    """The first day on which it holds; empty: always."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the person wants to use at most."""

    per: Span
    measure: Measure
    amount: float
    models: tuple[str, ...] = ()
    """Shell patterns of the models that it counts; empty: all."""
    client: str | None = None
    """The client that it counts; None: all."""
    host: str | None = None
    """Shell pattern of the hosts that it counts; None: all."""
    then: Literal["refuse", "hold"] = "refuse"
    """What happens to a call when it is used up."""
    warn_at: float = 0.8
    """The part of it at which the person is told."""


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """How much of a subscription's window is used, as an answer's headers say."""

    window: str
    """`5 h`, `week`, or a number of minutes as the provider has it."""
    part: float
    """0 to 1; more when it is overdrawn."""
    resets_at: float | None = None
    """Unix time."""
