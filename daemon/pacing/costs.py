"""What a call takes of each limit, by dimension."""

from __future__ import annotations

from daemon.model import Call
from daemon.pacing.queue import Costs

INPUT_ALONE = frozenset({"gemini"})
"""Providers whose limit of tokens counts the input alone (ai.google.dev, rate limits)."""


def costs_of(amounts: tuple[float, float, float, float], provider: str = "") -> Costs:
    """Costs by dimension from (input, output, images, audio seconds); every call is one request."""
    tokens_in, tokens_out, images, audio = amounts
    costs: Costs = {"requests": 1.0}
    if tokens_in + tokens_out > 0:
        costs["tokens"] = tokens_in if provider in INPUT_ALONE else tokens_in + tokens_out
        costs["input_tokens"] = tokens_in
        costs["output_tokens"] = tokens_out
    if images:
        costs["images"] = images
    if audio:
        costs["audio_seconds"] = audio
    return costs


def costs_of_call(call: Call, output: float | None = None) -> Costs:
    """What CALL will cost, as it was weighed; with another OUTPUT where that is known better by now."""
    e = call.estimate
    return costs_of((e.input, e.output if output is None else output, e.images, e.audio_seconds), call.origin.provider)
