"""What people use instead, each as its own documents show it, told the provider's true limits."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from benchmarks.race.cookbook import Cookbook
from benchmarks.race.entrant import Answer, Entrant, Track
from benchmarks.race.jobs import Job
from benchmarks.race.sluice import Sluice


class Gather:
    """asyncio.gather over the official SDK, which tries again by itself and obeys retry-after."""

    def __init__(self, retries: int) -> None:
        self.name = f"gather + SDK, {retries} retries"
        self._retries = retries
        self._client: Any = None

    async def begin(self, track: Track) -> None:
        """Make the client. Its own waits (0.5 to 8 s) are scaled to the provider's minute."""
        import openai
        from openai import _base_client as base

        base.INITIAL_RETRY_DELAY = 0.5 * track.pace  # type: ignore[attr-defined]
        base.MAX_RETRY_DELAY = 8.0 * track.pace  # type: ignore[attr-defined]
        self._track = track
        self._client = openai.AsyncOpenAI(
            base_url=f"{track.url}/v1", api_key=track.key, max_retries=self._retries, timeout=600
        )

    async def send(self, job: Job) -> Answer:
        """Just send it."""
        try:
            await self._client.chat.completions.create(
                model=self._track.model, messages=job.messages(), max_tokens=job.max_tokens
            )
        except Exception as error:  # whatever the SDK raises is what a user would see
            return Answer(False, getattr(error, "status_code", None), type(error).__name__)
        return Answer(True, 200)

    async def end(self) -> None:
        """Close the connections."""
        await self._client.close()


class AioLimiter(Gather):
    """aiolimiter's leaky buckets for requests and tokens in front of the SDK with its 2 retries."""

    def __init__(self) -> None:
        super().__init__(2)
        self.name = "aiolimiter + SDK"

    async def begin(self, track: Track) -> None:
        """Two limiters, at 100 % of the limits."""
        from aiolimiter import AsyncLimiter

        await super().begin(track)
        self._requests = AsyncLimiter(track.size.requests, track.minute_s)
        self._tokens = AsyncLimiter(track.size.tokens, track.minute_s)

    async def send(self, job: Job) -> Answer:
        """Wait for both, then send."""
        await self._requests.acquire()
        await self._tokens.acquire(job.tokens)
        return await super().send(job)


class Pyrate(Gather):
    """pyrate-limiter's in-memory window log for requests and tokens in front of the SDK with its 2 retries."""

    def __init__(self) -> None:
        super().__init__(2)
        self.name = "pyrate-limiter + SDK"

    async def begin(self, track: Track) -> None:
        """Two limiters, at 100 % of the limits."""
        from pyrate_limiter import Limiter, Rate

        await super().begin(track)
        window = int(track.minute_s * 1000)
        self._requests = Limiter(Rate(int(track.size.requests), window))
        self._tokens = Limiter(Rate(int(track.size.tokens), window))

    async def send(self, job: Job) -> Answer:
        """Wait for both, then send."""
        await self._requests.try_acquire_async("requests")
        await self._tokens.try_acquire_async("tokens", weight=job.tokens)
        return await super().send(job)

    async def end(self) -> None:
        """Stop the limiters' leaking threads, too."""
        self._requests.close()
        self._tokens.close()
        await super().end()


class LiteLLM:
    """LiteLLM's Router with one deployment whose rpm and tpm are set, and 10 retries."""

    name = "LiteLLM Router, 10 retries"

    async def begin(self, track: Track) -> None:
        """Make the router. Its minutes are the wall clock's: rows with a scaled minute are unkind to it."""
        import os

        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        from litellm import Router

        self._track = track
        self._router = Router(
            model_list=[{
                "model_name": track.model,
                "litellm_params": {
                    "model": f"openai/{track.model}", "api_base": f"{track.url}/v1", "api_key": track.key,
                    "rpm": int(track.size.requests), "tpm": int(track.size.tokens),
                },
            }],
            num_retries=10,
        )  # fmt: skip

    async def send(self, job: Job) -> Answer:
        """Through the router."""
        try:
            await self._router.acompletion(model=self._track.model, messages=job.messages(), max_tokens=job.max_tokens)
        except Exception as error:
            return Answer(False, getattr(error, "status_code", None), type(error).__name__)
        return Answer(True, 200)

    async def end(self) -> None:
        """Nothing to close."""


_NEEDS = {"gather2": "openai", "gather10": "openai", "aiolimiter": "aiolimiter", "pyrate": "pyrate_limiter",
          "litellm": "litellm"}  # fmt: skip
ENTRANTS: dict[str, Callable[[], Entrant]] = {
    "sluice": Sluice,
    "gather2": lambda: Gather(2),
    "gather10": lambda: Gather(10),
    "aiolimiter": AioLimiter,
    "pyrate": Pyrate,
    "cookbook": Cookbook,
    "litellm": LiteLLM,
}
"""By the name for the command line."""


def missing(name: str) -> str | None:
    """The library that entrant NAME needs and that is not installed."""
    needs = _NEEDS.get(name)
    return needs if needs is not None and importlib.util.find_spec(needs) is None else None
