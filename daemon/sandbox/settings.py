"""What a simulated provider is like. Plain values; each one is also a flag of `python -m daemon.sandbox`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from daemon.phrases import phrase

Shape = Literal["bucket", "fixed", "sliding", "slices"]
SHAPES: tuple[Shape, ...] = ("bucket", "fixed", "sliding", "slices")

Quirk = Literal["minus_one", "per_slice", "stamped_at_end"]
QUIRKS: tuple[Quirk, ...] = ("minus_one", "per_slice", "stamped_at_end")


@dataclass(frozen=True)
class SandboxSettings:
    """The limits, the manners and the faults of a simulated provider. None for a limit: not limited."""

    requests_per_minute: float | None = 60
    tokens_per_minute: float | None = 40_000
    """Input and output together; for Gemini input only, as its own limit counts."""
    requests_per_second: float | None = None
    requests_per_hour: float | None = None
    requests_per_day: float | None = None
    tokens_per_day: float | None = None
    input_tokens_per_minute: float | None = None
    output_tokens_per_minute: float | None = None
    images_per_minute: float | None = None
    concurrency: int | None = None
    """Calls at the same time."""
    shape: Shape = "bucket"
    """How windows are counted: continuous refill, fixed windows, a sliding log, or short slices of a minute."""
    slices: int = 6
    """Slices a minute, for the shape `slices`."""
    minute_s: float = 60.0
    """How long a minute lasts here; seconds and hours scale with it, the day does not."""
    day_s: float = 86400.0
    aligned: bool = True
    """Fixed windows and slices begin at multiples of their length on the clock; False: at a key's first call."""
    headers: bool = True
    """Send the rate limit headers of the API (Gemini never has any)."""
    day_in_headers: bool = False
    """The requests headers tell the day's limit, as OpenAI's low tiers and Groq do. Always so without a minute's."""
    retry_after: bool = True
    """Send retry-after with a 429."""
    bare_429: bool = False
    """A 429 tells nothing: no hint, no figures, no headers."""
    refund: bool = False
    """Give back the part of max_tokens that was not used, when the answer has ended."""
    count_refused: bool = False
    """A refused request uses up the limit, too (as OpenAI's does)."""
    per_key: bool = True
    """Each key has its own limits; False: all keys share one account."""
    per_model: bool = False
    """Each model has its own limits."""
    foreign_share: float = 0.0
    """The part of each limit that somebody else on the same key takes, evenly over time."""
    service_s: float = 0.05
    """Seconds to the answer, or to the first chunk of a stream."""
    jitter: float = 0.0
    """0.2: `service_s` varies by 20 % up and down."""
    chunk_s: float = 0.0
    """Seconds between the chunks of a stream."""
    slow_s: float = 3.0
    """Seconds that the model `slow-first-byte` takes."""
    output_tokens: int | None = None
    """Tokens of every answer; None: as many as the echo needs."""
    quota_after: int | None = None
    """After so many accepted calls everything answers insufficient_quota."""
    faults: Mapping[int, float] = field(default_factory=dict)
    """Status to probability, for example {503: 0.05, 500: 0.03}; drawn after a call has been counted."""
    reset_rate: float = 0.0
    """Probability that the connection is reset after a call has been counted."""
    seed: int = 0
    header_quirk: Quirk | None = None
    """minus_one: -1 in the requests headers; per_slice: a slice's figures; stamped_at_end: of the answer's end."""
    keep: int = 10_000
    """How many requests are remembered."""

    def __post_init__(self) -> None:
        """Refuse values that no provider could have; raises ValueError with the name and what it may be."""
        if self.shape not in SHAPES:
            raise ValueError(phrase("sandbox.shape", value=self.shape, known=", ".join(SHAPES)))
        if self.header_quirk is not None and self.header_quirk not in QUIRKS:
            raise ValueError(phrase("sandbox.quirk", value=self.header_quirk, known=", ".join(QUIRKS)))
        for name in ("minute_s", "day_s", "slices", "keep"):
            if getattr(self, name) <= 0:
                raise ValueError(phrase("sandbox.above", name=name, value=getattr(self, name)))
        if not 0 <= self.foreign_share < 1:
            raise ValueError(phrase("sandbox.share", value=self.foreign_share))
        if sum(self.faults.values()) + self.reset_rate > 1:
            raise ValueError(phrase("sandbox.faults"))

    @staticmethod
    def names() -> tuple[str, ...]:
        """The names of all settings."""
        return tuple(f.name for f in fields(SandboxSettings))

    def as_json(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        out = {name: getattr(self, name) for name in self.names()}
        out["faults"] = {str(status): rate for status, rate in self.faults.items()}
        return out
