"""The configuration as the plain values that the parts take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from daemon.cache import AnswerCache
from daemon.config import Config, Paths
from daemon.config.values import nearest
from daemon.errors import ConfigError
from daemon.explain import Catalogue
from daemon.fallback import Fallback
from daemon.gateway import Rules
from daemon.model import Call, Origin, Priority
from daemon.pacing import PacingSettings
from daemon.phrases import Phrase, lines, phrase
from daemon.usage import Alarm, Budgets, PriceList


def budgets_of(config: Config, prices: PriceList, alarm: Callable[[Alarm], None]) -> Budgets:
    """The person's own budgets. A call may be held for a new day as long as it may wait for any limit."""
    normal, interactive = config.queue.max_wait_s, config.queue.max_wait_interactive_s

    def patience(call: Call) -> float:
        return interactive if call.priority == Priority.INTERACTIVE else normal

    return Budgets(config.budgets, prices, currency=config.currency, patience=patience, alarm=alarm)


def sharing_rules(config: Config) -> Rules:
    """Which calls share an answer or a request."""
    batch = config.batch
    return Rules(
        coalesce=config.coalesce,
        cache=config.cache.enabled,
        embeddings=batch.embeddings,
        completions=batch.completions,
        max_items=batch.max_items,
        max_tokens=batch.max_tokens,
    )


def fallback_rules(
    config: Config, catalogue: Catalogue, origin_of: Callable[[str], Origin | None]
) -> tuple[Fallback, ...]:
    """Where calls go instead. Raises ConfigError for a kind of failure or a host that there is not."""
    if not config.fallback:
        return ()
    rows = catalogue.subtypes()
    known = {str(row[name]) for row in rows for name in ("subtype", "family")}
    wrong: list[Phrase] = []
    for rule in config.fallback:
        for word, where in zip(rule.on, rule.on_at, strict=True):
            if word not in known:
                what = phrase("fallback.kind", word=word, near=nearest(word, known))
                wrong.append(phrase("config.at_file", file=where, what=what))
        for place, where in zip(rule.to, rule.to_at, strict=True):
            if place.host is not None and origin_of(place.host) is None:
                wrong.append(phrase("config.at_file", file=where, what=phrase("fallback.host", host=place.host)))
    if wrong:
        raise ConfigError(lines(wrong))
    return config.fallback


def answer_cache(config: Config, paths: Paths) -> AnswerCache:
    """The answers that are kept, beside the journal."""
    keep = config.cache
    return AnswerCache(paths.state_dir, max_age_s=keep.max_age_s, max_bytes=keep.max_bytes, max_body=keep.max_body)


def reloaded(config: Config, fresh: Config) -> Config:
    """CONFIG with what of FRESH is in force at once: hosts with their limits, and two settings of the log. All else
    was built in at the start, so until the next one the old value stands in each place where it is used."""
    log = replace(config.log, level=fresh.log.level, bodies=fresh.log.bodies)
    return replace(config, upstreams=fresh.upstreams, log=log)


def pacing_settings(config: Config) -> PacingSettings:
    """The pacer's part of the configuration."""
    return replace(
        PacingSettings(),
        max_waiting=config.queue.max_waiting,
        max_wait_s=config.queue.max_wait_s,
        max_wait_interactive_s=config.queue.max_wait_interactive_s,
        tries=config.retry.tries,
        rate_tries=config.retry.rate_tries,
        backoff_base_s=config.retry.base_s,
        backoff_cap_s=config.retry.cap_s,
        budget_share=config.retry.budget,
    )
