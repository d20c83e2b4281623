"""HTTP Archives: valid ones, from which the request can be made again, without the key."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import HealthCheck, given, settings

from curl.hostile import KEY, REQUESTS
from daemon.curl.har import Answered, answered, har_text
from daemon.curl.request import plain_request

ALLOWED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NEEDED: dict[str, tuple[str, ...]] = {
    "log": ("version", "creator", "entries"),
    "creator": ("name", "version"),
    "entry": ("startedDateTime", "time", "request", "response", "cache", "timings"),
    "request": ("method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"),
    "response": (
        *("status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize"),
        "bodySize",
    ),
    "content": ("size", "mimeType"),
    "postData": ("mimeType", "text"),
    "timings": ("send", "wait", "receive"),
}
"""What HAR 1.2 makes obligatory, object by object."""


def checked(text: str) -> dict[str, Any]:
    """The one entry of an archive that has all that the specification wants."""
    log = json.loads(text)["log"]
    entry = log["entries"][0]
    objects = {"log": log, "creator": log["creator"], "entry": entry, "content": entry["response"]["content"]}
    objects |= {name: entry[name] for name in ("request", "response", "timings")}
    if "postData" in entry["request"]:
        objects["postData"] = entry["request"]["postData"]
    for name, value in objects.items():
        assert set(NEEDED[name]) <= set(value), name
    assert log["version"] == "1.2"
    lists = [entry[part]["headers"] for part in ("request", "response")] + [entry["request"]["queryString"]]
    assert all(isinstance(pair["name"], str) and isinstance(pair["value"], str) for one in lists for pair in one)
    return entry


@given(request=REQUESTS)
@ALLOWED
def test_the_request_can_be_made_again(request, make_call, expected):
    """From the archive and the key the same bytes come as from the daemon."""
    method, target, headers, body = request
    text = har_text(plain_request(make_call(*request), key_variable="THE_KEY"), Answered())
    assert "CANARY" not in text
    assert text.isascii()
    found = checked(text)["request"]
    pairs = [(one["name"], one["value"] + (KEY if "comment" in one else "")) for one in found["headers"]]
    lines = [f"{found['method']} {found['url'].removeprefix('https://api.openai.com')} HTTP/1.1"]
    lines += [f"{name}: {value}" if value else f"{name}:" for name, value in pairs]
    posted = found.get("postData", {"text": ""})
    sent = base64.b64decode(posted["text"]) if "_encoding" in posted else posted["text"].encode()
    again = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + sent
    assert again == expected("https://api.openai.com", method, target, headers, body)


def test_what_came_back(make_call):
    """Status, time and the known fields of the answer; bytes that are no text are shown as Latin-1."""
    call = make_call("GET", "/x?a=b&c", (("X-Raw", "caf\udce9"), ("Cookie", "s=CANARY-cookie")))
    answered = Answered(429, (("Content-Type", "application/json"), ("X", "\udce9")), 1.5, 20)
    entry = checked(har_text(plain_request(call, key_variable=None), answered))
    assert entry["response"]["status"] == 429
    assert entry["response"]["content"]["mimeType"] == "application/json"
    assert entry["time"] == 1500.0
    assert entry["request"]["queryString"] == [{"name": "a", "value": "b"}, {"name": "c", "value": ""}]
    assert {"name": "X-Raw", "value": "café"} in entry["request"]["headers"]
    assert "Cookie" in entry["comment"]
    assert "postData" not in entry["request"]


def test_rows_of_the_journal():
    """Of the last attempt, the fields whose values are kept; a call without an answer has the status 0."""
    tries = [{}, {"headers": [["Date", "today", 5], ["Set-Cookie", None, 9]]}]
    row = {"status": 200, "tries": tries, "duration_s": 2.0, "answer": {"bytes": 7}}
    assert answered(row) == Answered(200, (("Date", "today"),), 2.0, 7)
    timed = {"started_at": 10.0, "duration_s": 6.0, "status": 429, "answer": {"bytes": 0}}
    tries = [{"sent_at": 11.0}, {"sent_at": 13.0, "answered_at": 14.5, "body": "no"}]
    found = answered({**timed, "tries": tries})
    assert (found.waited_s, found.silent_s, found.body) == (3.0, 1.5, b"no")
    assert answered({**timed, "tries": tries}, b"kept").body == b"kept"
    assert answered({"status": None, "tries": [], "duration_s": None, "answer": {"bytes": 0}}) == Answered()


def test_times_add_up(make_call):
    """What was waited, the silence before the answer and the answer itself are together the time of the entry."""
    plain = plain_request(make_call(), key_variable=None)
    found = Answered(200, (), 6.0, 5, waited_s=3.0, silent_s=1.5, body=b"\xff\xfe")
    one = checked(har_text(plain, found))
    assert one["timings"] == {"blocked": 3000.0, "send": 0.0, "wait": 1500.0, "receive": 1500.0}
    assert one["time"] == sum(one["timings"].values()) == 6000.0
    assert one["response"]["content"]["encoding"] == "base64"
    assert checked(har_text(plain, Answered(200, (), 2.0, silent_s=9.0)))["time"] == 2000.0


def test_a_lost_body_is_said(make_call):
    """Nothing is invented for it."""
    text = har_text(plain_request(make_call(), key_variable=None, body_kept=False), Answered())
    assert checked(text)["request"]["postData"]["comment"] == "the body was not kept"
