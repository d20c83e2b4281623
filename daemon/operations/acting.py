"""Operations that change something: cancel, promote, clear the cache, subscribe, reload, hand over, shut down."""

from __future__ import annotations

import asyncio
from typing import Any

from daemon.errors import InvalidCall, NotFound
from daemon.model import Priority
from daemon.operations.desk import (
    Desk,
    Params,
    Result,
    flag_param,
    language_of,
    needed_text,
    priority_param,
    text_param,
)
from daemon.operations.hub import TOPICS
from daemon.operations.session import Session
from daemon.phrases import phrase, told


async def cancel(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Cancel a call that waits or runs. Nothing is sent for one that waits."""
    return {"cancelled": desk.gateway.cancel(needed_text(params, "call"))}


async def cache(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """How many answers are kept; with `clear` none any more."""
    kept = desk.gateway.kept.cache
    if kept is None:
        raise NotFound(phrase("cache.none"))
    answer = {"cleared": await asyncio.to_thread(kept.clear)} if flag_param(params, "clear") else {}
    return {**answer, **await asyncio.to_thread(kept.health), "enabled": desk.gateway.kept.enabled}


async def promote(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Give a waiting call another priority."""
    priority = priority_param(params, Priority.INTERACTIVE)
    return {"promoted": desk.gateway.promote(needed_text(params, "call"), priority)}


async def subscribe(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Hear of changes on this connection until it ends."""
    topics = params.get("topics") or list(TOPICS)
    if not isinstance(topics, list) or not all(topic in TOPICS for topic in topics):
        raise InvalidCall(phrase("params.topics", known=", ".join(TOPICS)))
    for topic in topics:
        desk.hub.subscribe(topic, session.notify)
    session.on_close(lambda: desk.hub.unsubscribe(session.notify))
    return {"subscribed": topics}


async def unsubscribe(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Hear of nothing any more on this connection."""
    desk.hub.unsubscribe(session.notify)
    return {"subscribed": []}


async def forget_keys(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Forget the keys that clients have told when they were asked; those in the environment stay."""
    return {"forgotten": desk.keys.forget(text_param(params, "host"))}


async def reload(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Read the configuration again. A faulty one changes nothing."""
    return {"reloaded": told(desk.reload(), language_of(desk, params))}


async def hand_over(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Free the locks for a daemon that takes this one's place; when it is done, let calls end and stop."""
    return {"pid": desk.hand_over(session, done=flag_param(params, "done"))}


async def shutdown(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Stop after running calls have ended."""
    desk.shut_down()
    return {"stopping": True}
