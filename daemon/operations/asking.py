"""Operations that only look: who we are, what waits, what happened, why, and how to repeat it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from daemon import __version__
from daemon.errors import InvalidCall
from daemon.journal.reader import missing, which, without_explanation
from daemon.journal.rebuild import call_from_row, heading, moved, not_kept
from daemon.model import Call, Failure, Situation
from daemon.operations.desk import (
    Desk,
    Params,
    Result,
    flag_param,
    language_of,
    names_param,
    needed_text,
    number_param,
    text_param,
)
from daemon.operations.session import Session
from daemon.phrases import phrase, told
from daemon.providers import provider_for
from daemon.usage import GROUPS, since_day, summary

if TYPE_CHECKING:
    from daemon.curl.har import Answered


async def status(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """All at a glance."""
    language = language_of(desk, params)
    return {
        "daemon": {"version": __version__, "running": len(desk.gateway.running), **desk.about()},
        "pools": told(desk.pacer.pools(), language),
        "queue": told(desk.pacer.queue(), language),
        "sharing": desk.gateway.sharing(),
        "fallback": told(desk.gateway.elsewhere.state(), language),
        "journal": told(desk.journal.health(), language),
        "budgets": told(desk.budgets.states(), language),
        "warnings": told(desk.lookout.states() if desk.lookout else [], language),
    }


async def usage(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """What was used, added up, with what it cost as far as prices are known."""
    by = text_param(params, "by") or "model"
    if by not in GROUPS:
        raise InvalidCall(phrase("params.one_of", name="by", known=", ".join(GROUPS)))
    first = since_day(number_param(params, "since_s", 7 * 86400.0) or 0.0, time.time())
    added = summary(await desk.journal.ledger(first), by, desk.prices)
    about = {"since": first, "currency": desk.currency, "prices_of": desk.prices.newest()}
    language = language_of(desk, params)
    return {**added, **about, "budgets": told(desk.budgets.states(), language), **missing_calls(desk, language)}


async def limits(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """What is known of each limit, and what holds whom up."""
    return {"pools": told(desk.pacer.pools(), language_of(desk, params))}


async def queue(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Who waits, at which place, for what, until when."""
    return {"queue": told(desk.pacer.queue(), language_of(desk, params))}


async def calls(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """The newest calls of the journal."""
    ids = names_param(params, "ids")
    limit = number_param(params, "limit", 100 if ids is None else 10_000, least=1, most=10_000)
    rows = await desk.journal.calls(
        failed=flag_param(params, "failed"),
        since_s=number_param(params, "since_s"),
        model=text_param(params, "model"),
        client=text_param(params, "client"),
        subtype=text_param(params, "subtype"),
        host=text_param(params, "host"),
        ids=ids,
        limit=int(limit or 100),
    )
    return {"calls": rows, **missing_calls(desk, language_of(desk, params))}


def missing_calls(desk: Desk, language: str) -> Result:
    """What stands beside an answer from the journal while that cannot be written."""
    gap = desk.journal.gap()
    return {"journal": told(gap, language)} if gap else {}


async def show(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """One call whole: what was sent, each attempt, the timeline, the explanation."""
    return told(await row_of(desk, needed_text(params, "call")), language_of(desk, params))


async def curl(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """The command that sends the same call from a terminal, as curl or in another form."""
    name = needed_text(params, "call")
    form, shell = text_param(params, "format", "curl") or "curl", text_param(params, "shell", "posix") or "posix"
    through, language = flag_param(params, "via_daemon"), language_of(desk, params)
    call = under_way(desk, name)
    if call is not None:
        comment = heading(call.id, call.arrived_at, call.method, call.origin.host, call.model)
        return {
            "call": call.id,
            "command": as_command(desk, call.shown(), comment, language, via_daemon=through, form=form, shell=shell),
        }
    row = await row_of(desk, name)
    command = await curl_of(desk, row, language, via_daemon=through, form=form, shell=shell)
    if command is None:
        raise not_kept(row)
    return {"call": row["id"], "command": command}


async def explain(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Explain a journalled call, a pasted text, or an HTTP answer."""
    language = text_param(params, "language")
    call = text_param(params, "call")
    if call is not None:
        return await explain_call(desk, call, language)
    failure = failure_of(params)
    finding = desk.catalogue.classify(failure)
    situation = Situation(host=failure.host)
    explanation = desk.catalogue.explain(finding, situation, language or desk.language, now=time.time())
    answer: dict[str, Any] = {
        "explanation": explanation.as_json(),
        "short": desk.catalogue.short(explanation),
        "text": desk.catalogue.render(explanation),
    }
    if flag_param(params, "why"):
        answer["why"] = desk.catalogue.why(failure)
    return answer


async def explain_call(desk: Desk, name: str, language: str | None) -> Result:
    """The explanation of a call that failed, as it was given then or in another language, with its curl command."""
    row = await row_of(desk, name)
    told = desk.catalogue.retold(row, language, now=time.time())
    command = await curl_of(desk, row, language or desk.language)
    answer = {**which(row), "curl": command}
    if told is None:
        text = without_explanation(row).told(language or desk.language)
        return {**answer, "explanation": None, "text": text}
    text, short = desk.catalogue.render(told, curl=command), desk.catalogue.short(told)
    return {**answer, "explanation": told.as_json(), "short": short, "text": text}


async def explain_list(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """All subtypes that can be told apart, with what to do about each."""
    return {"subtypes": desk.catalogue.subtypes(text_param(params, "language") or desk.language)}


def failure_of(params: Params) -> Failure:
    """The failure that PARAMS describe. Raises InvalidCall."""
    text = text_param(params, "text")
    status_number = number_param(params, "status", least=100, most=999)
    provider = text_param(params, "provider")
    if provider is not None and provider_for(provider) is None:
        raise InvalidCall(phrase("params.provider", name=provider))
    if text is not None:
        status_hint = None if status_number is None else int(status_number)
        return Failure(status=status_hint, text=text, provider=provider)
    body = text_param(params, "body") or ""
    headers = params.get("headers") or {}
    if not isinstance(headers, Mapping) or (not body and status_number is None and not headers):
        raise InvalidCall(phrase("params.what_failed"))
    return Failure(
        status=None if status_number is None else int(status_number),
        headers=tuple((str(name), str(value)) for name, value in headers.items()),
        body=body.encode("utf-8", "replace"),
        provider=provider,
    )


async def row_of(desk: Desk, name: str) -> dict[str, Any]:
    """The journal's row of a call, by id, by the client's own id, or `last` and `last-failed`."""
    row = await desk.journal.call(name)
    if row is None:
        raise missing(name)
    return row


def variable_of(desk: Desk, call: Call) -> str | None:
    """The environment variable with the key for CALL, as far as anybody knows."""
    from daemon.curl.variable import key_variable_of  # as below

    origin, provider = desk.origin_of(call.origin.host), provider_for(call.origin.provider)
    usual = provider.key_variable if provider else None
    return key_variable_of(call, origin, usual, desk.key_of, desk.redactor.secret)


async def curl_of(
    desk: Desk, row: Mapping[str, Any], language: str = "en", *, via_daemon: bool = False, form: str = "curl",
    shell: str = "posix", body_in_file: bool = False,
) -> str | None:  # fmt: skip
    """The command of a journalled call, or None when its body was not kept. Raises InvalidCall for an unknown form.

    BODY_IN_FILE: what was sent stands in the file alone.
    """
    from daemon.curl.har import answered  # here, as below: most calls are never repeated by hand

    kept = await asyncio.to_thread(call_from_row, row)
    if kept is None:
        return None
    kept = moved(kept, desk.origin_of(kept.call.origin.host), desk.about().get("sandbox_url"))
    how: dict[str, Any] = {"via_daemon": via_daemon, "form": form, "shell": shell, "body_file": kept.body_file,
                           "body_in_file": body_in_file}  # fmt: skip
    return as_command(desk, kept.call, kept.comment, language, answer=answered(row), **how)


def under_way(desk: Desk, name: str) -> Call | None:
    """The call of this id, ours or the client's own, if it has not ended."""
    return next((call for call in desk.gateway.running.values() if name in (call.id, call.ref)), None)


def as_command(
    desk: Desk, call: Call, comment: str, language: str, *, via_daemon: bool, form: str, shell: str,
    body_file: str | None = None, body_in_file: bool = False, answer: Answered | None = None,
) -> str:  # fmt: skip
    """CALL as a command with COMMENT above it. Raises InvalidCall for an unknown form."""
    from daemon.curl import call_as

    return call_as(
        call,
        form,
        shell,
        key_variable=variable_of(desk, call),
        body_file=body_file,
        body_in_file=body_in_file,
        via_socket=str(desk.about()["socket"]) if via_daemon else None,
        comment=comment,
        answered=answer,
        language=language,
        proxy=desk.proxy_of(call.origin.url),
        ca_file=desk.ca_file,
    )
