"""What an entrant is: something that takes jobs and sends them to a provider."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.race.jobs import MODEL, Job, Size


@dataclass(frozen=True, slots=True)
class Track:
    """What an entrant is told."""

    url: str
    """The provider's base URL, without /v1."""
    key: str
    size: Size
    """The limits: the others are told, as their users must write them down; Sluice only where `told`."""
    minute_s: float
    folder: Path
    told: tuple[str, ...] = ()
    """Limits for Sluice's config: `{requests: 60, per: minute}`."""
    upstream: str = ""
    """More settings of Sluice's upstream: `resend_after_reset: true`."""
    model: str = MODEL

    @property
    def pace(self) -> float:
        """A real second in this provider's time: the others' fixed waits shrink with its minute, to be fair."""
        return self.minute_s / 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client got for a job."""

    ok: bool
    status: int | None = None
    why: str = ""
    """For a failure: the subtype that Sluice names, or the exception."""


class Entrant(Protocol):
    """One way to send jobs."""

    name: str

    async def begin(self, track: Track) -> None:
        """Get ready."""

    async def send(self, job: Job) -> Answer:
        """Send JOB and return when it has an answer. Being cancelled means that the client left."""

    async def end(self) -> None:
        """Let go of everything."""
