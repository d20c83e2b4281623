"""The operation that deletes calls from the journal for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from daemon.errors import InvalidCall
from daemon.journal import Forgotten, Reader, Which
from daemon.operations.desk import Desk, Params, Result, flag_param, language_of, names_param, number_param
from daemon.operations.session import Session
from daemon.phrases import Phrase, phrase


async def forget(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Delete calls, or only their bodies; with `dry_run` only say how many it would be."""
    language, find = language_of(desk, params), which_of(params)
    which = await desk.journal.read(find)
    if flag_param(params, "dry_run"):
        n = await desk.journal.read(lambda reader: reader.count(which))
        return {"calls": n, "text": question(n, which).told(language)}
    return as_result(await desk.journal.forget(which), which, language)


def which_of(params: Params) -> Callable[[Reader], Which]:
    """Who is meant, to be looked up in the journal. Raises InvalidCall when nobody said so: nothing is not all."""
    names, before, every = (
        names_param(params, "calls"),
        number_param(params, "before", most=1e11),
        flag_param(params, "all"),
    )
    if every and (names or before is not None):
        raise InvalidCall(phrase("forget.not_both"))
    if not (every or names or before is not None):
        raise InvalidCall(phrase("forget.which"))
    bodies = flag_param(params, "bodies")
    return lambda reader: Which(reader.ids(names) if names else None, before, bodies)


def question(n: int, which: Which) -> Phrase:
    """What is about to be deleted."""
    if n == 1:
        return phrase("forget.one_body" if which.only_bodies else "forget.one")
    return phrase("forget.bodies" if which.only_bodies else "forget.calls", n=n)


def as_result(gone: Forgotten, which: Which, language: str) -> Result:
    """What became of it, for programs and in words."""
    said: Sequence[Phrase] = [
        _done(gone.calls, which),
        *([phrase("forget.copies", n=gone.copies)] if gone.copies else []),
        *([] if gone.clean else [phrase("forget.remnants")]),
    ]
    text = "\n".join([one.told(language) for one in said])
    return {"calls": gone.calls, "copies": gone.copies, "clean": gone.clean, "text": text}


def _done(n: int, which: Which) -> Phrase:
    if not n:
        return phrase("forget.no_bodies" if which.only_bodies else "forget.none")
    if n == 1:
        return phrase("forget.one_body_gone" if which.only_bodies else "forget.one_gone")
    return phrase("forget.bodies_gone" if which.only_bodies else "forget.calls_gone", n=n)
