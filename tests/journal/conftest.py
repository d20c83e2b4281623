"""Calls and events by a few words, and journals that are closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from daemon.journal import Journal
from daemon.model import Ask, Call, Estimate, Event, Explanation, Failure, Finding, Origin, Scope, Usage
from daemon.redact import Redactor

KEY = "CANARY-5f0c1d2e-journal"

MakeCall = Callable[..., Call]
MakeEvent = Callable[..., Event]
MakeJournal = Callable[..., Journal]


@pytest.fixture
def key() -> str:
    """The key that every call carries and no file may hold."""
    return KEY


@pytest.fixture
def redactor() -> Redactor:
    """A redactor."""
    return Redactor(b"install")


@pytest.fixture
def make_call(redactor: Redactor) -> MakeCall:
    """A call to a chat endpoint, with a key."""

    def make(call_id: str = "c1", **changes: Any) -> Call:
        headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}"), ("X-Empty", ""))
        call = Call(
            id=call_id,
            origin=Origin(host="api.openai.com", url="https://api.openai.com", provider="openai"),
            scope=Scope("api.openai.com", redactor.secret(KEY).name, "gpt-4o"),
            method="POST",
            target=redactor.target("/v1/chat/completions?a=1"),
            headers=tuple((name, redactor.header(name, value)) for name, value in headers),
            body=b'{"model":"gpt-4o"}\n',
            ask=Ask(kind="chat", model="gpt-4o", stream=True),
            estimate=Estimate(input=10, output=5),
            client="emacs",
            ref="r-" + call_id,
            arrived_at=1000.0,
        )
        return replace(call, **changes)

    return make


@pytest.fixture
def failed_event() -> MakeEvent:
    """The event of a failed attempt; what the provider answered names the key."""

    def make(
        call: Call, at: float = 1005.0, *, attempt: int = 1, final: bool = True, subtype: str = "requests"
    ) -> Event:
        failure = Failure(
            429, (("Retry-After", "3"), ("X-Odd", f"it was {KEY}")), f'{{"error":"bad key {KEY}"}}'.encode(), sent=True
        )
        finding = Finding(subtype=subtype, family="rate", status=429, original=f"bad key {KEY}")
        words = Explanation(finding, "en", "Too many requests.", "Too many requests", "t", "w", "y", "n")
        return Event(
            "failed",
            call,
            at,
            attempt,
            status=429,
            headers=failure.headers,
            failure=failure,
            explanation=words,
            final=final,
        )

    return make


@pytest.fixture
def success() -> Callable[..., list[Event]]:
    """All events of a call that goes well."""

    def make(call: Call, at: float = 1000.0) -> list[Event]:
        return [
            Event("queued", call, at),
            Event("admitted", call, at + 1, 1, wait_s=1.0),
            Event("sent", call, at + 1, 1),
            Event(
                "answered",
                call,
                at + 2,
                1,
                status=200,
                headers=(("x-ratelimit-remaining-requests", "9"), ("Secretive", "abc")),
            ),
            Event("first_byte", call, at + 2, 1),
            Event("done", call, at + 3, 1, status=200, usage=Usage(11, 7, 2), bytes_out=99, body=b"answer", final=True),
        ]

    return make


@pytest.fixture
def make_journal(tmp_path, redactor: Redactor) -> Iterator[MakeJournal]:
    """Started journals in a folder of the test, closed at its end."""
    journals: list[Journal] = []

    def make(**options: Any) -> Journal:
        settings = {"retry_s": 0.02, "linger_s": 0.0, "clock": lambda: 2000.0, **options}
        journal = Journal(settings.pop("folder", tmp_path / "journal"), redactor=redactor, **settings)
        journals.append(journal)
        journal.start()
        return journal

    yield make
    for journal in journals:
        journal.close()
