"""A key or a model that a person must put right first: no credit, a wrong key, a model outside the plan. Or a host
whose guard lets nobody from this address through.

Everything that waits for it is told so at once. For half a minute only interactive calls try again, one at a time;
later any call may be the one that tries. A guard that names a longer time is not asked before. A success lifts the
block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from daemon.errors import Refusal
from daemon.model import Finding, Priority
from daemon.phrases import phrase

WHOLE_KEY = frozenset({
    "insufficient_quota", "spend_limit", "billing_inactive", "invalid_api_key", "account_suspended", "gateway_budget",
    "plan_window",
})  # fmt: skip
"""Subtypes that concern all calls with this key."""
WHOLE_HOST = frozenset({"edge_blocked"})
"""Subtypes that concern all keys: the guard looks at address and program, and each call makes it last longer."""
ONE_POOL = frozenset({"not_in_plan", "permission"})
"""Subtypes that concern one model."""


class Blocked(Refusal):
    """The call was not sent: the last answer for this key or model said that a person must act first. See `finding`."""

    code = "blocked"

    def __init__(self, finding: Finding, host: str) -> None:
        kind = finding.subtype.replace("_", " ")
        shut = finding.subtype in WHOLE_HOST
        super().__init__(
            phrase("refused.shut", host=host) if shut else phrase("refused.blocked", host=host, subtype=kind),
            subtype=finding.subtype,
        )
        self.finding = finding


@dataclass(slots=True)
class Block:
    """The state of one block."""

    finding: Finding
    since: float
    quiet_until: float
    """Before this instant only interactive calls may try."""
    probing: str | None = None
    """Id of the call that tries."""

    def is_due(self, now: float) -> bool:
        """True if whichever call comes next finds out whether it still holds."""
        return self.probing is None and now >= self.quiet_until

    def lets_try(self, priority: Priority, now: float) -> bool:
        """True if a call of this class may be the one that tries, now or when the present try has ended."""
        return priority == Priority.INTERACTIVE or now >= self.quiet_until


def blocks(finding: Finding) -> Literal["host", "key", "pool"] | None:
    """Return what FINDING makes further sending with pointless, else None. On a guess nothing is blocked; a host only
    where it is sure that a guard answered, and not some page at a wrong address."""
    if finding.retry not in ("never", "unknown") or finding.confidence == "guess":
        return None
    if finding.subtype in WHOLE_HOST:
        return "host" if finding.confidence == "sure" else None
    if finding.subtype in WHOLE_KEY:
        return "key"
    return "pool" if finding.subtype in ONE_POOL else None
