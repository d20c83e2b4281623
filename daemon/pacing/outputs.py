"""How long the answers of models are, where that is what says how much to reserve."""

from __future__ import annotations

from daemon.pacing.costs import costs_of_call
from daemon.pacing.estimate import Calibration, is_guessed, reserved
from daemon.pacing.queue import Costs, Entry

MOST_MODELS = 100
"""In a group of models of which a client may invent names."""


class Outputs:
    """What one pool knows of that, by model."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str | None, Calibration] = {}

    def of(self, model: str | None) -> Calibration | None:
        """What is known of MODEL, if anything is."""
        return self._known.get(model)

    def know(self, model: str | None, known: Calibration) -> None:
        """Answers of MODEL are as KNOWN says, now and when more of them have come."""
        if len(self._known) > MOST_MODELS:
            self._known.clear()
        self._known[model] = known

    def better_costs(self, entry: Entry, provider: str) -> Costs | None:
        """What ENTRY costs by what is known now, if it was weighed at something else: when it came, nothing may have
        been known."""
        if not self._known:
            return None
        ask, before = entry.call.ask, entry.costs.get("output_tokens")
        known = self._known.get(entry.call.model)
        if known is None or before is None or not is_guessed(ask, provider):
            return None
        output = reserved(ask, provider, known.output(provider))
        return costs_of_call(entry.call, output) if output != before else None
