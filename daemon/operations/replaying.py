"""The operation that sends a journalled call again, through the gateway like any other call."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from daemon.errors import InvalidCall
from daemon.gateway import ALONE, Incoming
from daemon.journal import not_kept
from daemon.journal.rebuild import stranded
from daemon.model import Call, Origin, Priority
from daemon.operations.asking import row_of, variable_of
from daemon.operations.desk import Desk, Params, Result, language_of, needed_text, text_param
from daemon.operations.session import Session
from daemon.phrases import phrase, told
from daemon.upstream import StreamCut

if TYPE_CHECKING:
    from daemon.curl.request import Plain

CLIENT = "replay"
"""Who asks, in the journal's words."""


async def replay(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Send a call again and throw its answer away: what came of it is in the journal, under the new id."""
    row = await row_of(desk, needed_text(params, "call"))
    kept = await desk.journal.rebuild(str(row["id"]))
    if kept is None:
        raise not_kept(row)
    refuse_stranded(kept.call, desk.origin_of(kept.call.origin.host), sandbox=bool(desk.about().get("sandbox_url")))
    plain = again(kept.call, variable_of(desk, kept.call))
    key = text_param(params, "key") or (desk.key_of(plain.variable) if plain.variable else None)
    incoming = Incoming(
        host=plain.call.origin.host,
        method=plain.method,
        target=plain.target,
        headers=plain.headers(needed_key(plain, key), desk.key_of),
        body=plain.body,
        client=CLIENT,
        priority=Priority.INTERACTIVE,
        explain="off",
        wish=ALONE,
    )
    call = desk.gateway.receive(incoming)
    reply = await desk.gateway.send(call)
    with suppress(StreamCut):  # a cut stream is a result, too: the journal tells of it
        async for _ in reply.chunks:
            pass
    lost = told(plain.left_out(desk.key_of), language_of(desk, params))
    return {"call": call.id, "of": row["id"], "status": reply.status, "left_out": lost}


def refuse_stranded(call: Call, origin: Origin | None, *, sandbox: bool) -> None:
    """Raise InvalidCall for a call to a sandbox that has ended, unless there is another SANDBOX: it must not come to a
    real provider, where it costs money."""
    if not sandbox and stranded(call, origin):
        raise InvalidCall(phrase("replay.sandbox_ended", call=call.id, url=call.origin.url))


def again(call: Call, variable: str | None) -> Plain:
    """CALL taken apart, to be sent again. Raises InvalidCall for one that cannot be: its signature is too old."""
    if any(name.lower() == "x-amz-date" for name, _ in call.headers):
        raise InvalidCall(phrase("replay.aws", call=call.id))
    from daemon.curl.request import plain_request

    return plain_request(call, key_variable=variable)


def needed_key(plain: Plain, key: str | None) -> str:
    """KEY, or the empty one for a call without. Raises InvalidCall that names the variable."""
    if plain.variable and not key:
        raise InvalidCall(phrase("replay.key", call=plain.call.id, variable=plain.variable))
    return key or ""
