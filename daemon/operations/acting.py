"""Operations that change something: cancel, promote, clear the cache, subscribe, reload, hand over, shut down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from daemon.errors import InvalidCall, NotFound
from daemon.model import Call, Priority
from daemon.operations.asking import under_way
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
from daemon.phrases import Phrase, phrase, told


async def cancel(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Cancel a call that waits or runs. Nothing is sent for one that waits. Raises NotFound."""
    call = await _open(desk, needed_text(params, "call"))
    if not desk.gateway.cancel(call.id):
        raise NotFound(phrase("acting.unknown", name=call.id))
    return {"cancelled": True, "call": call.id}


async def cache(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """How many answers are kept; with `clear` none any more."""
    kept = desk.gateway.kept.cache
    if kept is None:
        raise NotFound(phrase("cache.none"))
    answer = {"cleared": await asyncio.to_thread(kept.clear)} if flag_param(params, "clear") else {}
    return {**answer, **await asyncio.to_thread(kept.health), "enabled": desk.gateway.kept.enabled}


async def promote(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Give a waiting call another priority. Raises NotFound."""
    priority = priority_param(params, Priority.INTERACTIVE)
    call = await _open(desk, needed_text(params, "call"))
    if not desk.gateway.promote(call.id, priority):
        raise NotFound(phrase("acting.runs", call=call.id))
    return {"promoted": True, "call": call.id, "priority": priority.name.lower()}


async def _open(desk: Desk, name: str) -> Call:
    """The call of this name that has not ended: its id, the beginning of one, the client's own id, or `last`. Raises
    NotFound that says why there is none."""
    if call := under_way(desk, name):
        return call
    try:
        row = await desk.journal.call(name)
    except NotFound:  # there is no journal, and nothing of that name is under way
        row = None
    if row is None:
        raise NotFound(phrase("acting.unknown", name=name[:60]))
    if call := under_way(desk, row["id"]):
        return call
    raise NotFound(phrase("acting.ended", call=row["id"], state=state_of(row)))


def state_of(row: Mapping[str, Any]) -> Phrase:
    """How a call ended, in a word."""
    known = row["state"] if row["state"] in ("done", "failed", "cancelled", "interrupted") else "done"
    return phrase(f"state.{known}")


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
