"""How many tokens will a call cost? What its text makes (`tokens`), times a factor per model, learned from what the
provider reports.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from daemon.model import Ask, Estimate, Memory, Origin
from daemon.pacing.tokens import text_tokens

KIND = "pacing.estimate"
MESSAGE_TOKENS = 4.0
REPLY_TOKENS = 3.0
IMAGE_TOKENS = 1000.0
CHARACTERS = 4.0
"""Characters of a token, as providers guess at the door (OpenAI's guide to rate limits): what is charged there is not
less than this, whatever a tokenizer counts afterwards."""
FIRST_OUTPUT = 1024.0
"""Reserved for the answer of a model that we have not seen yet, when the call sets no maximum."""
TELLING = 3
"""So many answers show how long a model's are."""
FULL_OUTPUT = {"azure": 4096.0, "bedrock": 4096.0, "cerebras": 4096.0}
"""Providers that reserve the model's maximum when the call sets none (their documentation); the usual maximum."""
AS_PRODUCED = frozenset({"anthropic"})
"""Providers that count output tokens as they are produced, whatever the call's maximum (Anthropic's documentation on
rate limits)."""


def is_guessed(ask: Ask, provider: str) -> bool:
    """True if what is reserved for the answer is our own guess: PROVIDER reserves nothing that we could know."""
    return provider in AS_PRODUCED or (ask.max_output is None and provider not in FULL_OUTPUT)


def reserved(ask: Ask, provider: str, usual: float) -> float:
    """Return the tokens to reserve for what ASK wants, where USUAL is what its model's last answers ask for."""
    if ask.max_output is None:
        output = usual
    else:
        output = min(float(ask.max_output), usual) if provider in AS_PRODUCED else float(ask.max_output)
    return max(0.0, output) * max(1, ask.choices)


@dataclass(slots=True)
class Calibration:
    """What one model's provider counts for one token of ours, and how long its answers are."""

    factor: float = 1.0
    spread: float = 0.1
    """Mean deviation of the factor; one is added, so that an estimate is rather too high than too low."""
    seen: int = 0
    outputs: list[float] = field(default_factory=list)
    """The lengths of the last answers, for calls that set no maximum."""
    _usual: float = FIRST_OUTPUT
    """What these ask for: ranked once for each answer, and asked for several times by each call."""

    def __post_init__(self) -> None:
        self._rank()

    def learn_input(self, raw: float, real: float) -> None:
        if raw < 1 or real <= 0:
            return
        ratio = min(2.5, max(0.5, real / raw))
        weight = max(0.1, 1.0 / (self.seen + 1))
        self.spread += weight * (abs(ratio - self.factor) - self.spread)
        self.factor += weight * (ratio - self.factor)
        self.seen += 1

    def learn_output(self, real: float) -> None:
        self.outputs.append(max(0.0, real))
        del self.outputs[:-64]
        self._rank()

    def input(self, raw: float) -> float:
        return raw * min(2.5, self.factor + self.spread)

    def output(self, provider: str) -> float:
        """Return what to reserve for an answer without a stated maximum: the 95th percentile of the last ones."""
        return FULL_OUTPUT.get(provider, self._usual)

    def _rank(self) -> None:
        ranked = sorted(self.outputs)
        known = len(ranked) >= TELLING
        self._usual = ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))] if known else FIRST_OUTPUT


class Estimator:
    """Estimates per (host, model), calibrated by what the provider reports; remembered over a restart."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = memory
        self._known: dict[str, Calibration] = {}
        for key, text in (memory.recall(KIND) if memory is not None else {}).items():
            known = _parse(text)
            if known is not None:
                self._known[key] = known

    def weigh(self, origin: Origin, ask: Ask) -> Estimate:
        """Return what ASK will cost."""
        if ask.kind == "images":
            return Estimate(images=float(max(1, ask.choices)))
        if ask.audio_seconds:
            return Estimate(audio_seconds=ask.audio_seconds)
        if not ask.text and not ask.model:
            return Estimate()
        raw = text_tokens(ask.text, ask.model) + MESSAGE_TOKENS * ask.messages + IMAGE_TOKENS * ask.images
        if ask.messages:
            raw += REPLY_TOKENS
        known = self.of(origin.host, ask.model)
        output = 0.0
        if ask.kind != "embeddings":
            output = reserved(ask, origin.provider, known.output(origin.provider))
        door = len(ask.text) / CHARACTERS
        return Estimate(raw_input=raw, input=max(door, known.input(raw)), output=output)

    def of(self, host: str, model: str | None) -> Calibration:
        """Return what is known about MODEL at HOST."""
        key = f"{host} {model or '-'}"
        if key not in self._known:
            if len(self._known) > 2_000:  # a client that invents model names must not fill the memory
                self._known.clear()
            self._known[key] = Calibration()
        return self._known[key]

    def learn(self, host: str, model: str | None, raw: float, real_input: float, real_output: float) -> None:
        """Take over what the provider reported for one call."""
        known = self.of(host, model)
        known.learn_input(raw, real_input)
        if real_output > 0:
            known.learn_output(real_output)
        if self._memory is not None and known.seen % 8 == 1:
            value = {"factor": known.factor, "spread": known.spread, "seen": known.seen, "outputs": known.outputs[-16:]}
            self._memory.remember(KIND, f"{host} {model or '-'}", json.dumps(value))


def _parse(text: str) -> Calibration | None:
    """Read a remembered calibration; None when it is not one."""
    try:
        kept = json.loads(text)
        factor, spread, seen = float(kept["factor"]), float(kept["spread"]), int(kept["seen"])
        outputs = [float(x) for x in kept["outputs"]]
    except (ValueError, KeyError, TypeError):
        return None
    if not (0.4 <= factor <= 3 and 0 <= spread <= 3):
        return None
    return Calibration(factor, spread, seen, outputs)
