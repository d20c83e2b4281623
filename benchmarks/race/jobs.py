"""The work that every entrant gets, the same to the byte for all: jobs, and mixes of them.

Sizes are relative to the provider's limits, so that a mix means the same on a provider with other limits. A mix is
fixed by its seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

MODEL = "bench-model"

_WORDS = """
river gate water level slow steady open close field canal stone bridge morning rain measure keep the a of and while
under across between always enough little early market garden letter answer question paper window season
""".split()  # noqa: SIM905 - as a list it would be forty lines long


@dataclass(frozen=True, slots=True)
class Job:
    """One chat completion that somebody wants."""

    name: str
    prompt_tokens: int
    """As a provider counts at the door: characters / 4."""
    max_tokens: int
    client: str = "bench"
    priority: str = "normal"
    """interactive, normal or batch; only Sluice is told, and only when it is not `normal`."""
    at: float = 0.0
    """When it is handed over, in minutes after the beginning."""
    deadline_s: float | None = None
    leaves: float | None = None
    """The client gives up after so many minutes if it has no answer yet."""

    @property
    def tokens(self) -> int:
        """What the provider charges at the door."""
        return self.prompt_tokens + self.max_tokens

    def body(self, model: str = MODEL) -> bytes:
        """The request, with the job's name at its beginning so that it is found again in what the provider saw."""
        message = {"role": "user", "content": _text(self.name, 4 * self.prompt_tokens)}
        return json.dumps({"model": model, "messages": [message], "max_tokens": self.max_tokens}).encode()

    def messages(self) -> list[dict[str, str]]:
        """The same for an SDK."""
        return [{"role": "user", "content": _text(self.name, 4 * self.prompt_tokens)}]


def _text(name: str, size: int) -> str:
    """SIZE characters of plain English words, beginning with NAME."""
    rng = random.Random(name)
    words, length = [name], len(name)
    while length < size:
        words.append(rng.choice(_WORDS))
        length += 1 + len(words[-1])
    return " ".join(words)[:size]


@dataclass(frozen=True, slots=True)
class Size:
    """What a provider allows in a minute; mixes are made to measure."""

    requests: float
    tokens: float


Mix = Callable[[Size, random.Random], list[Job]]


def _small(rng: random.Random) -> tuple[int, int]:
    """Prompt and max_tokens of a job that only its being a request makes costly: 40 to 120 tokens in all."""
    return rng.randint(24, 80), rng.randint(16, 40)


def _names(prefix: str = "j") -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"{prefix}{number:05d}"


def requests(size: Size, rng: random.Random, minutes: float = 2.5) -> list[Job]:
    """2.5 minutes of requests; tokens hardly matter."""
    return [Job(name, *_small(rng)) for name, _ in zip(_names(), range(round(minutes * size.requests)), strict=False)]


def tokens(size: Size, rng: random.Random, minutes: float = 2.35, answer: float = 0.1) -> list[Job]:
    """2.35 minutes of tokens in jobs of 0.5 to 7.5 % of a minute; ANSWER of each is max_tokens."""
    out: list[Job] = []
    spent = 0
    for name in _names():
        cost = round(size.tokens * rng.uniform(0.005, 0.075))
        if spent + cost > minutes * size.tokens:
            return out
        spent += cost
        output = max(16, round(answer * cost))
        out.append(Job(name, max(8, cost - output), output))
    return out


def generous(size: Size, rng: random.Random) -> list[Job]:
    """Token-bound jobs that reserve ten times what they use: 60 % of each is max_tokens."""
    return tokens(size, rng, 3.35, 0.6)


def huge(size: Size, rng: random.Random) -> list[Job]:
    """Three prompts of 70 % of a minute among 1.5 minutes of small ones."""
    out = tokens(size, rng, 1.5)
    for number, place in enumerate((0, len(out) // 3, 2 * len(out) // 3)):
        out.insert(place + number, Job(f"huge{number:02d}", round(0.69 * size.tokens), round(0.01 * size.tokens)))
    return out


def interactive(size: Size, rng: random.Random) -> list[Job]:
    """A batch of 2.3 minutes, and people who ask something twelve times a minute in between."""
    batch = [replace(job, priority="batch", client="batch") for job in requests(size, rng, 2.3)]
    asks = (Job(name, *_small(rng), client="editor", priority="interactive") for name in _names("ask"))
    return batch + [
        replace(job, at=round(0.08 + 0.085 * i + rng.uniform(0, 0.02), 4))
        for i, job in zip(range(24), asks, strict=False)
    ]


def unequal(size: Size, rng: random.Random) -> list[Job]:
    """A client with 3 minutes of requests, and one who comes at the same time with a tenth of that."""
    big = [replace(job, client="big") for job in requests(size, rng, 3.0)]
    small = zip(range(round(0.3 * size.requests)), _names("small"), strict=False)
    return big + [Job(name, *_small(rng), client="small") for _, name in small]


def leaving(size: Size, rng: random.Random) -> list[Job]:
    """Two minutes of requests; the client of every third job leaves after a random part of the first minute."""
    return [
        replace(job, leaves=rng.uniform(0.02, 0.9)) if number % 3 == 2 else job
        for number, job in enumerate(requests(size, rng, 2.0))
    ]


def day(size: Size, rng: random.Random) -> list[Job]:
    """60 calls for a day's 40. Those that cannot go today want to know it soon."""
    return [Job(name, *_small(rng), deadline_s=30.0) for name, _ in zip(_names(), range(60), strict=False)]
