"""What the log says of a call, and what it never says."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from daemon.gateway.intake import Intake
from daemon.log import CallLog
from daemon.log.calls import limit, steps, summary, waiting, without_quotations
from daemon.model import Ask, Call, Estimate, Event, Failure, Origin, Reading, Usage
from daemon.phrases import Phrase, languages, phrase, teller
from daemon.redact import Redactor
from gateway.scripted import CATALOGUE, KEY, incoming

REDACTOR = Redactor(b"test")
ORIGIN = Origin("api.openai.com", "https://api.openai.com", "openai")


def call(**more: Any) -> Call:
    """A call to OpenAI."""
    made = Intake(lambda host: ORIGIN, lambda origin, ask: Estimate(1, 9, 3), REDACTOR, "en", "inline", lambda: 100.0)
    return replace(made.receive(incoming(**more)), id="c1234")


def failed(**more: Any) -> Event:
    """A final failure that repeats the key."""
    body = b'{"error":{"message":"Incorrect API key provided: %b","code":"invalid_api_key"}}' % KEY.encode()
    failure = Failure(status=401, body=body, provider="openai", host="api.openai.com", detail=more.pop("detail", ""))
    explanation = CATALOGUE.explain(CATALOGUE.classify(failure))
    return Event("failed", call(**more), 102.5, 1, status=401, failure=failure, explanation=explanation, final=True)


@pytest.fixture
def told(caplog: Any) -> Iterator[Any]:
    """What a CallLog writes, at debug level."""
    caplog.set_level(logging.DEBUG, logger="sluice")
    return caplog


def sink(bodies: bool = False) -> CallLog:
    """A sink of the gateway."""
    return CallLog(REDACTOR, lambda call, failed: f"# a note\ncurl --the-command {call.id} {failed}", lambda: bodies)


def test_one_line_for_a_call() -> None:
    """Id, method, host and path, model, status, time, attempts, tokens."""
    done = Event("done", call(), 102.5, 2, status=200, usage=Usage(9, 2), final=True)
    assert summary(done) == (
        "POST api.openai.com/v1/chat/completions gpt-4o 200 2.50 s 2 attempts 9+2 tokens"
    )  # fmt: skip
    gone = Event("cancelled", call(body=b""), 99.0, 1, reason="the client left", final=True)
    assert summary(gone) == "POST api.openai.com/v1/chat/completions - cancelled 0.00 s the client left"
    assert "401" in summary(failed())
    assert "invalid_api_key" in summary(failed())
    lost = replace(failed(), status=None)
    assert "no answer" in summary(lost)


def test_info_is_one_line_a_call(caplog: Any) -> None:
    """Steps are only told at debug level."""
    caplog.set_level(logging.INFO, logger="sluice")
    write = sink()
    for event in (Event("queued", call(), 100.0), Event("sent", call(), 100.0, 1), failed()):
        write([event])
    assert len(caplog.records) == 1


def test_a_line_that_breaks_loses_no_other(caplog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the calls that are told together, each has its line."""
    caplog.set_level(logging.INFO, logger="sluice.call")
    good, bad = replace(call(), id="c1111"), replace(call(), id="c2222", arrived_at=None)  # type: ignore[arg-type]
    sink()([Event("done", one, 105.0, 1, status=200, final=True) for one in (bad, good)])
    assert [record.call for record in caplog.records if record.name == "sluice.call"] == ["c1111"]
    assert "TypeError" in caplog.text


def story(one: Call, at: float) -> list[Event]:
    """A call that waits, is refused, is held, and goes well; begun at AT."""
    headers = (("X-RateLimit-Limit-Requests", "60"), ("Retry-After", "2"), ("X-Other", "secret-ish"))
    readings = (Reading("requests", 60.0, 0.0, 2.0), Reading("tokens", 1000.0))
    return [
        Event("queued", one, at, reason="requests per minute"),
        Event("admitted", one, at + 1.5, 1, wait_s=1.5),
        Event("sent", one, at + 1.5, 1),
        Event("answered", one, at + 2, 1, status=429, headers=headers, readings=readings),
        Event("held", one, at + 2, 1, wait_s=2.0, reason="the limit is used up"),
        Event("first_byte", one, at + 4.25, 2),
        Event("done", one, at + 5, 2, status=200, bytes_out=17, final=True),
    ]


def test_a_call_is_a_block(told: Any) -> None:
    """Of two calls at the same time the lines do not mix; each line has its call's id and its own time, and the last
    ones are the curl command, on one line, and the summary."""
    write = sink()
    one, two = replace(call(), id="c1111"), replace(call(), id="c2222")
    for pair in zip(story(one, 100.0), story(two, 100.1), strict=True):
        for event in pair:
            write([event])
    lines = [(record.call, record.created, record.getMessage()) for record in told.records]
    assert all(text.startswith(f"{name}  ") for name, _, text in lines)
    blocks = [line for line in lines if not any(word in line[2] for word in ("is in the queue", "  held: "))]
    assert [name for name, _, _ in blocks] == ["c1111"] * (len(blocks) // 2) + ["c2222"] * (len(blocks) // 2)
    assert [(at, text[7:]) for name, at, text in blocks if name == "c1111"] == [
        (100.0, "queued  POST api.openai.com/v1/chat/completions model=gpt-4o client=- priority=normal body=71 B,"
                " about 12 tokens; waits for requests per minute"),
        (101.5, "admitted after 1.50 s (attempt 1)"),
        (101.5, "sent to https://api.openai.com"),
        (102.0, "answered 429"),
        (102.0, "    X-RateLimit-Limit-Requests: 60"),
        (102.0, "    Retry-After: 2"),
        (102.0, "    which says: requests: 0 of 60 left, full again in 2.0 s"),
        (102.0, "    which says: tokens: 1000 allowed"),
        (104.25, "first byte"),
        (105.0, "done, 17 bytes"),
        (105.0, "the same call from a terminal:"),
        (105.0, "# a note"),
        (105.0, "curl --the-command c1111 False"),
        (105.0, "POST api.openai.com/v1/chat/completions gpt-4o 200 5.00 s 2 attempts"),
    ]  # fmt: skip


def test_a_block_in_korean(told: Any) -> None:
    """The words are in the language of the log; ids, hosts, `model=` and numbers are where they were."""
    write = CallLog(REDACTOR, lambda call, failed: "curl", language="ko")
    for event in (*story(call(), 100.0)[:-1], Event("held", call(), 104.0, 1, wait_s=2, reason=phrase("waits.turn"))):
        write([event])
    write([Event("done", call(), 105.0, 2, status=200, usage=Usage(9, 2), bytes_out=17, final=True)])
    lines = [record.getMessage() for record in told.records]
    assert lines[0] == "c1234  줄에서 기다려요. 기다리는 것: requests per minute"
    assert "c1234  2.00초 뒤에 다시 보내요. 이유: 차례" in lines
    assert (
        "c1234  들어옴  POST api.openai.com/v1/chat/completions model=gpt-4o client=- priority=normal body=71 B,"
        " 토큰 약 12개. 기다리는 것: requests per minute"
    ) in lines
    assert "c1234      뜻: requests: 60 중 0 남음, 2.0초 뒤에 다시 가득 참" in lines
    assert lines[-1] == "c1234  POST api.openai.com/v1/chat/completions gpt-4o 200 5.00초 2번 시도 토큰 9+2"


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_kind_of_event_has_words(language: str) -> None:
    """Each kind of event and of limit is told in each language, and in Korean and Chinese not in English words."""
    tell = teller(language)
    one = replace(call(), ask=Ask(text="x"))
    reason = phrase("ended.client_left")
    events = [*story(one, 100.0), Event("cancelled", one, 101.0, 1, reason=reason), Event("held", one, 101.0, 1)]
    told = [line for event in events for line in (*steps(event, tell), waiting(event, tell))]
    told += [summary(replace(events[-2], final=True), tell), steps(failed(), tell)[0]]
    told += [limit(Reading("requests", *values), tell) for values in ((None, None), (3.0, None), (None, 3.0))]
    english = re.compile(r"\b(of|left|again|with|answered|waits|bytes|attempts?|cancelled|full|allowed)\b")
    reasons = {str(event.reason) for event in events if not isinstance(event.reason, Phrase)}
    wrong = [line for line in told if english.search(line) and not any(why and why in line for why in reasons)]
    assert wrong == [] or language == "en"


def test_who_waits_is_told_at_once(told: Any) -> None:
    """Before its block is there, a call that waits says for what."""
    write = sink()
    for event in story(call(), 100.0)[:5]:
        write([event])
    assert [record.getMessage()[7:] for record in told.records] == [
        "is in the queue: waits for requests per minute",
        "held: goes again in 2.00 s, the limit is used up",
    ]


def test_a_failure(told: Any) -> None:
    """What it was, by which rule, and what the system said; the command is asked for as one of a failed call."""
    write = sink()
    write([failed(detail="what the system said")])
    write([Event("cancelled", call(), 100.0, 2, reason="the client left", final=True)])
    for words in (
        "invalid_api_key by rule", "(what the system said)", "--the-command c1234 True", "cancelled: the client left",
    ):  # fmt: skip
        assert words in told.text
    assert "Hello" not in told.text  # the prompt


def test_no_prompt(told: Any) -> None:
    """A provider that repeats the prompt in its error, and a system that does: nothing of it is logged, unless
    `log.bodies` wants it. Words of the error itself stay."""
    prompt = "Translate this: the password of the safe is 4711, tell nobody"
    body = json.dumps({"error": {"message": f"Cannot do: {prompt[16:]}!"}}).encode()
    failure = Failure(status=400, body=body, provider="openai", host="api.openai.com", detail=prompt[:30])
    words = CATALOGUE.explain(CATALOGUE.classify(failure))
    assert "safe" in words.line
    one = replace(call(), ask=Ask(text=prompt))
    event = Event("failed", one, 102.5, 1, status=400, failure=failure, explanation=words, final=True)
    sink()([event])
    for fragment in ("password", "safe", "4711", "Translate"):
        assert fragment not in told.text
    assert "400" in told.text
    told.clear()
    sink(bodies=True)([event])
    assert "4711" in told.text


def test_quotations() -> None:
    """Only what is long enough to be one goes, wherever it begins."""
    prompt = "abcdefghijklmnopqrstuvwxyz"
    for begin in range(10):
        for size in range(20):
            quoted = prompt[begin : begin + size]
            text = f"<{quoted}>"
            length = len(quoted)
            assert without_quotations(text, prompt) == (text if length < 16 else "<…>")
    assert without_quotations("", prompt) == ""
    assert without_quotations("short", "") == "short"


def test_limits() -> None:
    """As far as the header says it."""
    assert limit(Reading("requests", None, 5.0)) == "requests: 5 left"
    assert limit(Reading("tokens", None, None, 1.0)) == "tokens: ?, full again in 1.0 s"


def test_no_key(told: Any) -> None:
    """Neither the call's own key nor one in the query or in what the provider repeats is logged."""
    write = sink()
    for event in (Event("queued", call(target=f"/v1/x?key={KEY}"), 100.0), failed(detail=f"with {KEY}")):
        write([event])
    assert told.records
    assert KEY not in told.text


def test_lines_cannot_be_forged(told: Any) -> None:
    """A model name with line breaks and terminal commands stays one harmless line."""
    body = json.dumps({"model": "x\n2026-01-01 info forged\x1b[2J\u202e"}).encode()
    write = sink()
    write([Event("queued", call(body=body), 100.0)])
    write([Event("done", call(body=body), 100.0, 1, status=200, final=True)])
    for record in told.records:
        assert not set(record.getMessage()) & {"\n", "\x1b", "\u202e"}


def test_unknown_kinds_are_told_too() -> None:
    """A kind that nobody wrote words for is not lost."""
    assert steps(Event("cancelled", call(), 1.0, reason="why")) == ["cancelled: why"]
