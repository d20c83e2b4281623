"""The rows: what the provider is like, what is asked of it, and what Sluice must reach there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.race import jobs
from daemon.sandbox.settings import SHAPES

ALL = "all"
REQUESTS = jobs.Size(60, 120_000)
TOKENS = jobs.Size(120, 20_000)
MANY = jobs.Size(600, 900_000)
SLOW: Mapping[str, Any] = {"service_s": 2.0}
"""Limits are stated with an answer: who was told none knows them after a third of a minute, and sees then that one is a
bucket. Where the limit is told and holds in slices, some dozens are on their way before the first refusal is back."""

Bound = Mapping[str, float]
"""By shape; `all` for those that are not named."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table, to be run on each of its shapes."""

    name: str
    about: str
    mix: jobs.Mix
    reach: Mapping[str, Bound]
    """Figure of `Score` to the largest value allowed."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the simulated provider, beyond its limits."""
    size: jobs.Size = REQUESTS
    shapes: tuple[str, ...] = SHAPES
    told: tuple[str, ...] = ()
    """Limits in Sluice's config, as templates over `requests` and `tokens`."""
    upstream: str = ""
    event: Literal["", "restart", "kill"] = ""
    """What happens to the daemon when half of the jobs have been let in (for `kill`: half of a day's)."""
    event_at: float = 0.5
    peers: bool = True
    """The others can take part."""
    bound_refund: bool | None = None
    """Measure against the bound with or without refunds; None: as the provider does it."""
    least: Mapping[str, float] = field(default_factory=dict)
    """Figure of `Score` to the least value allowed."""


NONE_LOST: dict[str, Bound] = {"lost": {ALL: 0}, "twice": {ALL: 0}}
NEARLY: Bound = {ALL: 1.06, "slices": 1.10}
TOLD = ("{{requests: {requests:g}, per: minute}}", "{{tokens: {tokens:g}, per: minute}}")

SCENARIOS: dict[str, Scenario] = {
    row.name: row
    for row in (
        Scenario(
            "requests", "bound by requests a minute", jobs.requests,
            {**NONE_LOST, "ratio": NEARLY, "refused": {ALL: 3}},
        ),
        Scenario(
            "requests-told", "the same, limits in Sluice's config", jobs.requests,
            {**NONE_LOST, "ratio": NEARLY, "refused": {ALL: 0, "slices": 2}}, told=TOLD, peers=False,
        ),
        Scenario(
            "tokens", "bound by tokens a minute, nothing given back", jobs.tokens,
            {**NONE_LOST, "ratio": {ALL: 1.06}, "refused": {ALL: 3}}, {"output_tokens": 10}, TOKENS,
        ),
        Scenario(
            "tokens-told", "the same, limits in Sluice's config", jobs.tokens,
            {**NONE_LOST, "ratio": {ALL: 1.06}, "refused": {ALL: 0, "slices": 2}}, {"output_tokens": 10}, TOKENS,
            told=TOLD, peers=False,
        ),
        Scenario(
            "refunds", "bound by tokens, unused max_tokens come back", jobs.generous,
            {**NONE_LOST, "ratio": {ALL: 1.15}, "refused": {ALL: 3}}, {"output_tokens": 20, "refund": True}, TOKENS,
        ),
        Scenario(
            "no-refunds", "the same jobs where nothing comes back", jobs.generous,
            {**NONE_LOST, "ratio": {ALL: 1.06}, "refused": {ALL: 3}}, {"output_tokens": 20}, TOKENS, peers=False,
        ),
        Scenario(
            "interactive", "a person asks while a batch runs", jobs.interactive,
            {**NONE_LOST, "wait_p95": {ALL: 0.15, "bucket": 0.05}, "ratio": {ALL: 1.10}, "refused": {ALL: 3}},
        ),
        Scenario(
            "slow", "answers take a third of a minute: 200 at once", jobs.requests,
            {**NONE_LOST, "ratio": {ALL: 1.25}, "refused": {ALL: 3, "slices": 8}}, SLOW, MANY,
        ),
        Scenario(
            "slow-told", "the same, limits in Sluice's config", jobs.requests,
            {**NONE_LOST, "ratio": {ALL: 1.20}, "refused": {ALL: 0, "slices": 40}}, SLOW, MANY, told=TOLD, peers=False,
        ),
        Scenario(
            "huge", "three huge prompts among small ones", jobs.huge,
            {**NONE_LOST, "refused": {ALL: 3}}, {"output_tokens": 10}, TOKENS,
        ),
        Scenario(
            "foreign", "somebody else takes 30 % of the same key", jobs.requests,
            {**NONE_LOST, "refused": {ALL: 5}}, {"foreign_share": 0.3},
        ),
        Scenario(
            "no-headers", "no rate limit headers; a 429 says how long to wait", jobs.requests,
            {**NONE_LOST, "ratio": {ALL: 1.25}, "refused": {ALL: 12}}, {"headers": False},
        ),
        Scenario(
            "bare", "no headers, and a 429 says nothing at all", jobs.requests,
            {**NONE_LOST, "ratio": {ALL: 1.25}, "refused": {ALL: 12}}, {"headers": False, "bare_429": True},
        ),
        Scenario(
            "faults", "5 % 503, 3 % 500, 2 % reset connections", jobs.requests,
            {**NONE_LOST, "refused": {ALL: 3}}, {"faults": {503: 0.05, 500: 0.03}, "reset_rate": 0.02},
        ),
        Scenario(
            "faults-resend", "the same with resend_after_reset: true", jobs.requests,
            {"lost": {ALL: 0}, "labelled": {ALL: 0}, "refused": {ALL: 3}},
            {"faults": {503: 0.05, 500: 0.03}, "reset_rate": 0.02},
            upstream="resend_after_reset: true", peers=False, shapes=("bucket", "fixed"),
        ),
        Scenario(
            "quota", "the credit is gone in the middle", jobs.requests,
            {"after_quota": {ALL: 0}, "twice": {ALL: 0}}, {"quota_after": 80}, shapes=("bucket", "fixed"),
        ),
        Scenario(
            "restart", "the daemon is restarted in the middle", jobs.requests,
            {"lost": {ALL: 0}, "refused": {ALL: 3}}, event="restart", peers=False,
        ),
        Scenario(
            "kill", "the daemon is killed in the middle and started again", jobs.requests,
            {"lost": {ALL: 0}, "refused": {ALL: 5}}, event="kill", peers=False,
        ),
        Scenario(
            "day", "40 a day, told in the config, kill -9 after 20", jobs.day,
            {"accepted": {ALL: 40}, "refused": {ALL: 1}}, {"requests_per_day": 40}, jobs.Size(240, 120_000),
            shapes=("bucket", "fixed"), told=("{{requests: 40, per: day}}",), event="kill", event_at=1 / 3, peers=False,
            least={"accepted": 40},
        ),
        Scenario(
            "unequal", "a small client beside one with ten times the work", jobs.unequal,
            {**NONE_LOST, "small_end": {ALL: 0.20}},
        ),
        Scenario(
            "leaving", "a third of the clients give up while they wait", jobs.leaving,
            {**NONE_LOST, "after_leaving": {ALL: 0}, "refused": {ALL: 3}},
        ),
    )
}  # fmt: skip
