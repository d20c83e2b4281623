"""The table itself. tests/test_house.py holds that each row is documented in doc/protocol.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon import __version__
from daemon.errors import InvalidCall, UnknownOperation
from daemon.operations import acting, asking, forgetting, keys, replaying, reporting, sending
from daemon.operations.desk import (
    PROTOCOL,
    Desk,
    Operation,
    Params,
    Result,
    language_of,
    number_param,
    text_param,
)
from daemon.operations.hub import TOPICS
from daemon.operations.session import Session
from daemon.phrases import phrase, short

_CALL = "an id, the client's own id, `last` or `last-failed`"
_WHO = {"client": "name", "version": "its version", "protocol": "1", "answers": "list of questions that it answers"}
_CLIENT = {
    "client": "who asks, for fairness between clients",
    "ref": "the client's own id for the call",
    "priority": "interactive, normal or batch",
    "deadline_s": "answer at once if it cannot go within so many seconds",
    "language": "of what people read about it",
    "coalesce": "true: an identical call that is under way answers this one, too",
    "cache": "on, off or refresh: an answer that was kept",
    "fallback": "false: no other host or model may answer it",
    "batch": "true: embeddings and completions may go as one request with others",
}


async def hello(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Say who we are, and whether the client can speak with us."""
    session.language = text_param(params, "language") or session.language
    session.answers = answers_of(params)
    theirs = int(number_param(params, "protocol", PROTOCOL) or PROTOCOL)
    answer: dict[str, Any] = {
        "daemon": "sluice",
        "version": __version__,
        "protocol": PROTOCOL,
        "features": sorted(OPERATIONS),
        "language": short(session.language or desk.language),
        **desk.about(),
    }
    if theirs > PROTOCOL:
        warning = phrase("params.protocol", theirs=theirs, ours=PROTOCOL)
        answer["warning"] = warning.told(language_of(desk, params))
    return answer


def answers_of(params: Params) -> frozenset[str]:
    """The questions that the client answers. Raises InvalidCall."""
    answers = params.get("answers") or []
    if not isinstance(answers, list) or not all(isinstance(one, str) for one in answers):
        raise InvalidCall(phrase("params.answers", known=keys.METHOD))
    return frozenset(answers)


OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("hello", hello, "who we are", {**_WHO, "language": "of all that this connection hears"}),
        Operation("status", asking.status, "all at a glance", {"language": "of the words"}),
        Operation("limits", asking.limits, "what is known of each limit", {"language": "of the words"}),
        Operation(
            "usage",
            asking.usage,
            "tokens, calls and cost, added up",
            {
                "by": "day, model (default), client, host or key",
                "since_s": "of the days in the last so many seconds, default 7 days",
                "language": "of the words",
            },
        ),
        Operation("queue", asking.queue, "who waits, for what, until when", {"language": "of the words"}),
        Operation(
            "calls",
            asking.calls,
            "the newest calls",
            {
                "failed": "only failed ones",
                "since_s": "only those of the last so many seconds",
                "model": "only this model",
                "client": "only this client",
                "subtype": "only this kind of failure",
                "host": "only this host",
                "ids": "only these, of which all else must be true, too",
                "limit": "at most so many, default 100",
            },
        ),
        Operation("show", asking.show, "one call whole", {"call": _CALL}),
        Operation(
            "curl",
            asking.curl,
            "the curl command of a call",
            {
                "call": _CALL,
                "via_daemon": "through the daemon's socket instead of direct",
                "format": "curl (default), httpie, python, har or elisp",
                "shell": "posix (default), powershell or cmd",
            },
        ),
        Operation(
            "replay",
            replaying.replay,
            "send a call again",
            {"call": _CALL, "key": "the API key; else the daemon's environment"},
        ),
        Operation(
            "forget",
            forgetting.forget,
            "delete calls for good",
            {
                "calls": "list of ids",
                "before": "those that came in before this time",
                "all": "all of them",
                "bodies": "only what was kept of requests and answers",
                "dry_run": "only say how many",
                "language": "of the words",
            },
        ),
        Operation(
            "explain",
            asking.explain,
            "why a call failed, or what a pasted error means",
            {
                "call": _CALL,
                "text": "a pasted error",
                "status": "of an HTTP answer",
                "headers": "of an HTTP answer",
                "body": "of an HTTP answer",
                "provider": "whose answer it is, if known",
                "language": "of the words",
                "why": "also tell which rules looked and matched",
            },
        ),
        Operation(
            "report",
            reporting.report,
            "a failed call as text for a provider's support",
            {"call": _CALL, "language": "of the words, default English"},
        ),
        Operation(
            "subtypes", asking.explain_list, "all kinds of failure that are told apart", {"language": "of the words"}
        ),
        Operation(
            "chat",
            sending.chat,
            "send a conversation, streamed",
            {
                "host": "as in `api.openai.com`",
                "provider": "instead of host: a provider's name",
                "model": "the model",
                "messages": "list of {role, content}",
                "system": "a system prompt",
                "max_tokens": "at most so many tokens of answer",
                "temperature": "as the provider takes it",
                "stream": "default true",
                "extra": "further body fields",
                "key": "the API key; else the daemon's environment",
                **_CLIENT,
            },
        ),
        Operation(
            "call",
            sending.raw_call,
            "send a raw HTTP request",
            {"url": "whole", "method": "default GET", "headers": "object or list of pairs", "body": "text", **_CLIENT},
        ),
        Operation("cache", acting.cache, "the answers that are kept", {"clear": "true: delete them"}),
        Operation("cancel", acting.cancel, "cancel a call that waits or runs", {"call": "an id"}),
        Operation("promote", acting.promote, "let a waiting call go earlier", {"call": "an id", "priority": "new one"}),
        Operation("subscribe", acting.subscribe, "hear of changes", {"topics": "list of " + ", ".join(TOPICS)}),
        Operation("unsubscribe", acting.unsubscribe, "hear of nothing any more"),
        Operation(
            "forget_keys",
            acting.forget_keys,
            "forget keys that clients have told",
            {"host": "only the one for this host"},
        ),
        Operation("reload", acting.reload, "read the configuration again"),
        Operation(
            "hand_over",
            acting.hand_over,
            "free the locks for a daemon that takes this one's place",
            {"done": "true when the other stands there: let calls end, and stop"},
        ),
        Operation("shutdown", acting.shutdown, "stop after running calls have ended"),
    )
}


async def operate(desk: Desk, name: str, params: Params, session: Session, tag: Any) -> Result:
    """Run the operation NAME; it sees all that has happened so far. Raises UnknownOperation and whatever refusal the
    operation has."""
    operation = OPERATIONS.get(name)
    if operation is None:
        raise UnknownOperation(phrase("params.operation", name=name[:60], known=", ".join(sorted(OPERATIONS))))
    if session.language and params.get("language") is None and name != "report":  # that one is for the support's eyes
        params = {**params, "language": session.language}
    desk.gateway.catch_up()
    return await operation.run(desk, params, session, tag)
