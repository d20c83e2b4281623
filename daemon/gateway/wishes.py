"""Which calls share an answer or a request with others: what the configuration says, and what the call itself says."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from daemon.model import Ask, CacheUse, Origin, Sharing


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says."""

    coalesce: tuple[str, ...] = ()
    """Shell patterns of models or hosts whose identical calls are sent once; `*`: all."""
    cache: bool = False
    embeddings: bool = False
    """Embeddings calls that wait together go as one request."""
    completions: bool = False
    max_items: int = 512
    """Inputs in one request, where the provider takes as many."""
    max_tokens: int = 100_000

    @property
    def idle(self) -> bool:
        """True if nothing is shared but by calls that ask for it."""
        return not (self.coalesce or self.cache or self.embeddings or self.completions)


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call says about itself; None: nothing, so the rules count."""

    coalesce: bool | None = None
    cache: CacheUse | None = None
    batch: bool | None = None
    fallback: bool | None = None
    """False: nobody else may answer it."""


NO_WISH = Wish()
ALONE = Wish(coalesce=False, cache="off", batch=False, fallback=False)
"""Of a call that must be sent, whatever the rules are."""

NOTHING = Sharing()
"""What a call shares that shares nothing."""

BATCHED = frozenset({"embeddings", "completions"})
"""Kinds of calls that can go as one request."""


def sharing_of(rules: Rules, wish: Wish, origin: Origin, ask: Ask, method: str) -> Sharing | None:
    """What a call may share. Only what asks a model for something can: a list of files may change at any time."""
    if method != "POST" or ask.kind in ("other", "models"):
        return None
    sharing = Sharing(
        coalesce=_coalesces(rules, origin, ask) if wish.coalesce is None else wish.coalesce,
        cache="off" if ask.kind == "audio" else (wish.cache or ("on" if rules.cache else "off")),
        batch=ask.kind in BATCHED and (_batches(rules, ask) if wish.batch is None else wish.batch),
    )
    return None if sharing == NOTHING else sharing


def _coalesces(rules: Rules, origin: Origin, ask: Ask) -> bool:
    names = (ask.model or "", origin.host)
    return any(fnmatchcase(name, pattern) for pattern in rules.coalesce for name in names)


def _batches(rules: Rules, ask: Ask) -> bool:
    return rules.embeddings if ask.kind == "embeddings" else rules.completions
