"""One call as a story."""

from __future__ import annotations

from typing import Any

from daemon.cli.story import call_text

ROW: dict[str, Any] = {
    "id": "c1", "method": "POST", "host": "h", "target": "/v1", "state": "failed", "status": 429, "subtype": "tokens",
    "model": "m", "client": "gptel", "priority": "interactive", "started_at": 100.0, "duration_s": 5.0,
    "waited_s": 1.5, "attempts": 2, "usage": {"input": 1100, "output": 7, "reported": True},
    "request": {"bytes": 5, "file": "/b"},
    "timeline": [
        {"at": 100.0, "kind": "queued", "attempt": 0, "text": "came in, waits for: tokens"},
        {"at": 101.5, "kind": "sent", "attempt": 1, "text": "sent"},
        {"at": 102.0, "kind": "answered", "attempt": 1, "text": "answered with status 429"},
        {"at": 104.5, "kind": "answered", "attempt": 2, "text": "answered with status 429"},
        {"at": 105.0, "kind": "failed", "attempt": 2, "text": "failed: x\nfake"},
    ],
    "tries": [
        {
            "attempt": 1,
            "readings": [{"dimension": "requests", "limit": 60.0, "remaining": 0.0, "reset_s": 2.0}],
            "headers": [["Retry-After", "2", 1], ["X-Request-Id", None, 9], ["Date", "today", 5]],
        },
        {"attempt": 2, "readings": [{"dimension": "tokens", "limit": 1000.0}], "headers": []},
    ],
}  # fmt: skip


def test_a_call_whole() -> None:
    """Each answer is followed by what it says of limits, and of whom it concerns; the end says where to look next."""
    assert call_text(ROW, 100.0)[3:] == [
        "  took 5.0 s, 1.5 s of it in the queue, sent 2 times, 1,100 tokens in and 7 out",
        "",
        "      0.000 s  came in, waits for: tokens",
        "      1.500 s  sent",
        "      2.000 s  answered with status 429",
        "               0 of 60 requests left, full again in 2.0 s",
        "               Retry-After: 2",
        "      4.500 s  answered with status 429",
        "               1,000 tokens",
        "      5.000 s  failed: x\N{REPLACEMENT CHARACTER}fake",
        "",
        "In a terminal: daemon curl c1",
        "Why, and what to do: daemon explain c1",
    ]
    assert call_text(ROW, 100.0)[0] == "Call c1: POST h/v1"
    assert "1,000" in "".join(call_text(ROW, 100.0, "ko"))


def test_what_is_not_known_is_not_said() -> None:
    """A call that has just come in, one that went well at once, one whose body is gone."""
    bare = {"id": "c1", "state": "waiting", "started_at": 100.0}
    assert call_text(bare, 100.0)[-2:] == ["In a terminal: daemon curl c1", "To take it back: daemon cancel c1"]
    waits = call_text({**bare, "request": {"bytes": 5, "file": None}}, 100.0)
    assert waits[-2].endswith("daemon curl c1; of its body nothing is kept yet.")
    assert "took" not in "".join(call_text(bare, 100.0))
    well = {
        **ROW,
        "state": "done",
        "attempts": 1,
        "waited_s": 0.0,
        "usage": {"input": 1, "output": 2, "reported": False},
    }
    lines = call_text(well, 100.0)
    assert "  took 5.0 s, about 1 tokens in and 2 out" in lines
    assert "daemon explain" not in "".join(lines)
    gone = call_text({**ROW, "request": {"bytes": 5, "file": None}}, 100.0)
    assert "journal.bodies" in gone[-2]
