"""Events to writes."""

import gzip
import zlib
from dataclasses import replace

import pytest

from daemon.journal import Keeping
from daemon.journal.bodies import Bodies
from daemon.journal.rows import MAX_FAILURE_BODY, SHOWN, Rows, pieces
from daemon.journal.story import ASKED
from daemon.model import Company, Event, Origin, Scope, Usage


def test_a_story_begins_even_if_the_first_event_was_lost(tmp_path, redactor, make_call):
    """Any event of a call begins its story; the last one ends it."""
    rows = Rows(redactor, Keeping(), Bodies(tmp_path))
    call = make_call()
    rows.note(Event("sent", call, 1.0, 1))
    story = rows.stories[call.id]
    rows.note(Event("first_byte", call, 1.5, 1))
    assert (story.row["state"], [step[1] for step in story.steps]) == ("running", ["sent", "first_byte"])
    rows.note(Event("done", call, 2.0, 1, final=True))
    assert rows.stories == {}
    assert rows.due(1.0) == [story]


def test_what_is_due(tmp_path, redactor, make_call, success):
    """Calls that have ended at once, those that run when their news are a second old; what is written is no news."""
    now = [10.0]
    rows = Rows(redactor, Keeping(), Bodies(tmp_path), clock=lambda: now[0])
    for event in success(make_call("ended")):
        rows.note(event)
    rows.note(Event("queued", make_call("runs"), 1.0))
    ended, runs = rows.news
    assert rows.due(1.0) == [ended]
    now[0] = 11.0
    assert rows.due(1.0) == [ended, runs]
    ended.settle(True)
    rows.rest()
    assert rows.due(1.0) == rows.news == [runs]
    assert rows.shed(0) == 1
    assert rows.news == []


def test_a_story_whose_row_is_in_a_lost_file_is_told_anew(tmp_path, redactor, make_call):
    """When another file is open, a running call gets a whole row in it: also if its end came before that."""
    rows = Rows(redactor, Keeping(), Bodies(tmp_path))
    rows.note(Event("queued", make_call(), 1.0))
    rows.news[0].settle(True)
    rows.rest()
    rows.note(Event("done", make_call(), 2.0, 1, final=True))
    rows.renumber(500)
    [story] = rows.news
    assert (story.n, story.stored, story.ended) == (501, False, True)
    assert len(story.asked) == len(ASKED)
    assert story.asked[0] == "c1"


def test_a_key_at_the_cut_of_a_body_is_recognised(tmp_path, redactor, make_call, failed_event, key):
    """The answer's text is cleaned before it is cut, so that no half key stays."""
    rows = Rows(redactor, Keeping(), Bodies(tmp_path))
    event = failed_event(make_call())
    body = b"x" * (MAX_FAILURE_BODY - 10) + key.encode() + b"y" * 100
    rows.note(replace(event, failure=replace(event.failure, body=body)))
    kept = rows.news[0].attempts[1]["body"]
    assert "CANARY" not in kept
    assert len(kept) <= MAX_FAILURE_BODY


def test_bodies_over_the_size_are_not_kept(tmp_path, redactor, make_call, failed_event):
    """A body over the limit leaves no file and no claim."""
    rows = Rows(redactor, Keeping(max_body_bytes=5), Bodies(tmp_path))
    rows.note(failed_event(make_call(body=b"123456")))
    assert rows.news[0].row["body_kept"] == 0
    assert not (tmp_path / "bodies").exists()


def test_values_of_known_headers_only():
    """Limits, ids and dates are shown; cookies, keys and inventions are not."""
    shown = ["x-ratelimit-reset-tokens", "anthropic-ratelimit-input-tokens-limit", "Retry-After", "retry-after-ms"]
    shown += ["x-request-id", "Date", "Content-Type", "CF-Ray", "x-should-retry"]
    hidden = ["Set-Cookie", "x-api-key", "X-Invented", "Location", "x-amz-security-token"]
    assert all(SHOWN.match(name) for name in shown)
    assert not any(SHOWN.match(name) for name in hidden)


def test_pieces_have_names_for_secrets(redactor, key):
    """A sealed text for JSON has the bucket's name, not the value."""
    assert pieces(redactor.header("Authorization", f"Bearer {key}")) == [
        "Bearer ",
        {"secret": redactor.secret(key).name},
    ]


async def test_a_call_that_was_not_sent(make_journal, make_call):
    """Its row says how it was answered and by which call; it has no attempts, and its tokens count nothing."""
    journal = make_journal()
    lead, mate = make_call("lead"), make_call("mate")
    for kind, call, more in (
        ("queued", lead, {}), ("queued", mate, {}),
        ("joined", mate, {"company": Company("batch", "lead"), "wait_s": 2.5, "reason": "goes with lead"}),
        ("left", lead, {"reason": "the client left"}),
        ("done", lead, {"usage": Usage(10, 0), "final": True}), ("done", mate, {"usage": Usage(), "final": True}),
    ):  # fmt: skip
        journal.record(Event(kind, call, 1.0, **more))
    row = await journal.call("mate")
    assert (row["how"], row["answered_with"], row["waited_s"], row["tries"]) == ("batch", "lead", 2.5, [])
    assert row["usage"]["input"] == 0
    assert [step["kind"] for step in row["timeline"]] == ["queued", "joined", "done"]
    assert row["timeline"][1]["text"] == "goes with lead"
    first = await journal.call("lead")
    assert (first["how"], first["answered_with"], first["usage"]["input"]) == (None, None, 10)
    assert "the client left" in first["timeline"][1]["text"]


async def test_a_call_that_goes_elsewhere(make_journal, make_call):
    """The row and the ledger are of who answered in the end; the steps tell the way there. When it comes back, the row
    is the first one's again. A row that is in the file already is changed as well."""
    journal = make_journal()
    asked = make_call("moved")
    there = replace(
        asked,
        origin=Origin("other.example.com", "https://other.example.com", "deepseek"),
        scope=Scope("other.example.com", "key:other", "small"),
        ask=replace(asked.ask, model="small"),
    )
    journal.record(Event("queued", asked, 1.0))
    journal.record(Event("keyed", asked, 1.0, reason="goes with work"))
    journal.record(Event("sent", asked, 1.0, 1))
    journal.record(Event("rerouted", there, 2.0, 1, reason="no credit. It goes to other instead"))
    journal.record(Event("sent", there, 2.0, 2))
    journal.record(Event("done", there, 3.0, 2, status=200, usage=Usage(10, 5), final=True))
    row = await journal.call("moved")
    assert (row["host"], row["model"], row["attempts"]) == ("other.example.com", "small", 2)
    texts = [step["text"] for step in row["timeline"]]
    assert texts[1] == "goes with work"
    assert "no credit. It goes to other instead" in texts
    (spent,) = [one for one in await journal.ledger("1970-01-01") if one.host == "other.example.com"]
    assert (spent.model, spent.key, spent.tokens) == ("small", "key:other", 15)
    back = make_call("back")
    for kind, call in (("queued", back), ("rerouted", replace(there, id="back")), ("rerouted", back)):
        journal.record(Event(kind, call, 1.0))
        await journal.flush()
        assert (await journal.call("back"))["host"] == call.origin.host


PACKED = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
}


def packed_call(make_call, redactor, coding, body):
    """A call whose body came compressed."""
    plain = make_call()
    return replace(plain, headers=(*plain.headers, ("Content-Encoding", redactor.header("", coding))), body=body)


@pytest.mark.parametrize("way", PACKED)
def test_a_key_in_a_compressed_request(way, tmp_path, redactor, make_call, failed_event, key):
    """A key in what was packed is seen: such a body is not kept, since without the key it would be another one. One in
    which there is none is kept as it came."""
    coding, pack = PACKED[way]
    rows = Rows(redactor, Keeping(), Bodies(tmp_path))
    bad = packed_call(make_call, redactor, coding, pack(f"it is {key}".encode()))
    good = packed_call(make_call, redactor, coding, pack(b"a word"))
    assert not rows.keeps(bad, True)
    rows.note(failed_event(bad))
    assert (rows.news[0].row["body_kept"], rows.news[0].row["body_changed"]) == (0, False)
    assert not (tmp_path / "bodies").exists()
    assert rows.keeps(good, True)
    rows.note(failed_event(replace(good, id="c2")))
    assert Bodies(tmp_path).read("c2", "request") == pack(b"a word")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("br", b"\x0b\x02\x80hello\x03"),
        ("gzip", gzip.compress(b"a word")[:-1]),
        ("gzip", b"a word"),
        ("gzip", gzip.compress(b"\0" * (1 << 20))),
    ],
    ids=["another coding", "not whole", "not packed", "more than may be kept"],
)
def test_a_compressed_request_that_cannot_be_looked_into(coding, body, tmp_path, redactor, make_call, failed_event):
    """Nobody knows what is in it, so it is not kept; nor is a bomb unpacked."""
    rows = Rows(redactor, Keeping(max_body_bytes=1 << 19), Bodies(tmp_path))
    call = packed_call(make_call, redactor, coding, body)
    assert not rows.keeps(call, True)
    rows.note(failed_event(call))
    assert rows.news[0].row["body_kept"] == 0
    assert not (tmp_path / "bodies").exists()


def test_an_error_that_could_not_be_unpacked(tmp_path, redactor, make_call, failed_event):
    """Of a failure's body what is still compressed is not stored; its other facts are."""
    rows = Rows(redactor, Keeping(), Bodies(tmp_path))
    for number, (coding, body, kept) in enumerate(
        [("br", b"plain words", None), ("gzip", gzip.compress(b"x")[:-4] + b"yyyy", None), ("gzip", b"{}", "{}")]
    ):
        event = failed_event(make_call(f"c{number}"))
        failure = replace(event.failure, headers=(("Content-Encoding", coding),), body=body)
        rows.note(replace(event, failure=failure))
        assert rows.news[-1].attempts[1]["body"] == kept
        assert rows.news[-1].attempts[1]["status"] == 429


def test_the_waits_of_a_call_are_no_longer_than_the_call(tmp_path, redactor, make_call, failed_event):
    """Each attempt tells its wait from the arrival on; added up is what was spent in the queue alone."""
    rows, call = Rows(redactor, Keeping(), Bodies(tmp_path)), make_call()
    rows.note(Event("queued", call, 100.0))
    story = rows.stories[call.id]
    rows.note(Event("admitted", call, 102.0, 1, wait_s=2.0))
    rows.note(Event("sent", call, 102.0, 1))
    rows.note(replace(failed_event(call), at=105.0, attempt=1, final=False))
    rows.note(Event("held", call, 105.0, 1, wait_s=4.0))
    rows.note(Event("admitted", call, 109.0, 2, wait_s=9.0))
    assert story.row["waited_s"] == 6.0
    rows.note(Event("done", call, 110.0, 2, final=True))
