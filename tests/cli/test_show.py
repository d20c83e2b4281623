"""Results as text: what a terminal may get, columns, and the words for each state."""

from __future__ import annotations

import time

import pytest

from daemon.cli.show import (
    answer_text,
    cache_text,
    calls_text,
    clock,
    cut,
    fallback_text,
    missing_text,
    number,
    pools_text,
    queue_text,
    sharing_text,
    span,
    status_text,
    table,
    under_way,
)
from daemon.columns import width


def test_columns_line_up_with_wide_letters() -> None:
    """Korean and Chinese letters take two columns, combining marks none; the last column is not padded."""
    assert table([["모델", "x"], ["model", "y"], ["", ""]]) == ["모델   x", "model  y", ""]
    assert table([]) == []


def test_a_row_that_is_wider_than_the_terminal() -> None:
    """Its last cell stands below it, under the second column, broken between words; the other rows stay on their
    lines, and without a terminal each does."""
    rows = [
        ["id", "model", "answer"],
        ["c1", "gpt-4o", "200"],
        ["c2", "gpt-4o", "429 tokens: " + "so many of them " * 4],
    ]
    whole = table(rows)
    assert table(rows, most=200) == whole
    assert len(whole) == 3
    broken = table(rows, most=50)
    assert broken[:3] == [*whole[:2], "c2  gpt-4o"]
    assert broken[3].startswith("    429 tokens: so many")
    assert max(len(line) for line in broken) <= 50
    assert " ".join(" ".join(broken[2:]).split()) == " ".join(whole[2].split())
    assert len(table(rows, most=3)) < 9  # a terminal of three columns is none that could be written for


def test_names_that_are_too_long_for_the_terminal() -> None:
    """They are cut, the widest first, with a mark, so that a status stands on the line of its call; ids, times and
    short names stay whole."""
    long = "claude-sonnet-4-5-20250929"
    rows = [["id", "client", "model", "answer"], ["c1", "emacs", long, "200"], ["c2", "모델" * 8, "gpt-4o", "200"]]
    assert any(long in line for line in table(rows, most=80, names=(1, 2)))
    lines = table(rows, most=48, names=(1, 2))
    assert [len(lines), max(width(line) for line in lines)] == [3, 45]
    assert lines[1].split() == ["c1", "emacs", "claude-sonnet-4…", "200"]
    assert lines[2].split() == ["c2", "모델모델모델모…", "gpt-4o", "200"]
    assert long in table(rows)[1]
    assert long in "".join(table(rows, most=48))  # no column is said to hold names


@pytest.mark.parametrize("most", [60, 72, 80, 120])
def test_a_list_of_calls_fits_the_terminal(most: int) -> None:
    """With long names, too: each call has a line with its whole id, its time and its status."""
    names = {"client": "emacs-org-babel", "host": "generativelanguage.googleapis.com", "model": "m" * 200}
    row = {"id": "c5342ykt2", "started_at": 1e9, "duration_s": 100.0, "status": 200, "state": "done", **names}
    head, line = calls_text([row], 1e9, most=most)
    assert max(width(head), width(line)) <= most
    assert (line.split()[0], line.split()[-1]) == ("c5342ykt2", "200")
    assert clock(1e9, 1e9) in line


def test_a_long_name_is_cut_quickly() -> None:
    """Also one of letters that take two columns."""
    assert cut("모" * 100_000, 11) == "모" * 5 + "…"
    assert cut("e\u0301" * 8, 4) == "e\u0301" * 3 + "…"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "?"), (0.04, "0.0 s"), (9.94, "9.9 s"), (42, "42 s"), (600, "10 min"), (7200, "2.0 h"), (260000, "3 days")],
)
def test_span(seconds: float | None, words: str) -> None:
    """Durations as one says them."""
    assert span(seconds) == words


def test_clock() -> None:
    """The time of day, with the date when it is another day's."""
    now = time.mktime((2026, 3, 4, 12, 0, 0, 0, 0, -1))
    assert clock(now - 60, now) == "11:59:00"
    assert clock(now - 86400 * 3, now) == "03-01 12:00"
    assert clock(None, now) == "-"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"status": 200, "state": "done"}, "200"),
        ({"status": 429, "state": "failed", "subtype": "tokens", "line": "Too many."}, "429 tokens: Too many."),
        ({"status": None, "state": "failed", "subtype": "tls", "line": "No."}, "tls: No."),
        ({"state": "interrupted"}, "interrupted"),
        ({"state": "cancelled", "line": "the client left"}, "cancelled: the client left"),
        ({"status": 200, "state": "cancelled"}, "200 cancelled"),
        ({"state": "running"}, "running"),
        ({}, "-"),
        ({"status": 400, "state": "failed", "line": "a\nb\x1b"}, "400 failed: a�b�"),
    ],
)
def test_how_a_call_ended(row: dict[str, object], text: str) -> None:
    """One line that says status and kind, or the state, and why."""
    assert answer_text(row) == text


def test_calls() -> None:
    """A line a call; an empty list says what to do, or that nothing failed."""
    row = {"id": "c1", "started_at": 0, "client": "x\ny", "host": "h", "model": None, "duration_s": 1.25, "status": 200}
    head, line = calls_text([row], 0.0)
    assert head.split() == ["call", "when", "client", "host", "model", "took", "answer"]
    assert line.split()[0] == "c1"
    assert line.split()[2:] == ["x�y", "h", "-", "1.2", "s", "200"]
    assert "curl --unix-socket" in calls_text([], 0.0)[0]
    assert calls_text([], 0.0, failed=True) == ["No call has failed, as far as the journal goes back."]


def test_number() -> None:
    """Thousands are set apart."""
    assert [number(1234567.0), number(0), number(None)] == ["1,234,567", "0", "?"]


@pytest.mark.parametrize(
    ("running", "waiting", "words"),
    [
        (0, 0, "No call is under way."),
        (1, 1, "1 call is under way; 1 of them waits for a limit."),
        (1200, 7, "1,200 calls are under way; 7 of them wait for a limit."),
    ],
)
def test_under_way(running: int, waiting: int, words: str) -> None:
    """Numbers in a sentence."""
    assert under_way(running, waiting) == words


def test_status() -> None:
    """Who we are, each pool with its limits, who waits for what, and what is wrong with the journal."""
    dims = [
        {"dimension": "output_tokens", "period": "minute", "used": 1234.0, "limit": 40000.0, "source": "header"},
        {"dimension": "requests", "period": None, "limit": None},
    ]
    pool = {"host": "h", "group": "gpt", "words": "waits\x1b", "dims": dims}
    waiting = {"id": "c1", "place": 1, "eta_at": 105.0, "client": "emacs", "priority": "batch", "waits_for": "tokens"}
    about = {"version": "1", "pid": 7, "socket": "/s", "started_at": 40.0, "running": 1, "sandbox": True}
    journal = {"state": "degraded", "why": "the disk is full.", "dropped": 3}
    lines = status_text({"daemon": about, "pools": [pool], "queue": [waiting], "journal": journal}, 100.0)
    text = "\n".join(lines)
    assert lines[0] == "Sluice 1 has run for 60 s (pid 7) at /s"
    assert "nothing leaves this machine" in lines[1]
    assert "h gpt: waits�" in text
    assert "output tokens / minute  1,234 of 40,000 used  header" in text
    assert "requests                unknown" in text
    assert "1      c1    5.0 s    emacs   batch     -      tokens" in text
    end = "Journal: degraded: the disk is full. 3 steps of calls were not written. Calls go through all the same."
    assert lines[-1] == end
    about |= {"listen": "http://127.0.0.1:8377", "token_file": "/t"}
    lines = status_text({"daemon": about, "pools": [], "queue": [], "journal": journal}, 100.0)
    assert lines[1] == "It can also be reached by TCP at http://127.0.0.1:8377; the token is in /t"


def test_what_calls_shared() -> None:
    """Only what there was is told of."""
    assert sharing_text({"same": 0, "batched": 0, "batches": 0, "cached": 0}) == []
    lines = sharing_text({"same": 2, "batched": 1200, "batches": 3, "cached": 1})
    assert lines == [
        "",
        "Calls answered by an identical one: 2.",
        "Calls that went along in another's request: 1,200; requests for several: 3.",
        "Calls answered from the cache: 1.",
    ]


def test_how_keys_fare() -> None:
    """Each by its name; how many calls went elsewhere is told where there are rules for it."""
    assert fallback_text({"rules": 0, "moved": 0, "rekeyed": 0, "keys": []}) == []
    lines = fallback_text({"rules": 1, "moved": 1200, "rekeyed": 2, "keys": [{"words": "a\nb"}]})
    assert lines[1] == "a\N{REPLACEMENT CHARACTER}b"
    assert "2" in lines[2]
    assert "1,200" in lines[3]


def test_the_cache() -> None:
    """How much there is and where; that calls must ask for it, where that is so; what was deleted."""
    kept = {"answers": 2, "bytes": 3 << 20, "max_bytes": 256 << 20, "max_age_s": 86400.0, "path": "/a\x1b"}
    assert cache_text({**kept, "enabled": True}) == [
        "Answers kept: 2, 3.0 of 256 MiB, each for 24 h 0 min at most.",
        "They are in /a\ufffd; `daemon cache --clear` deletes them.",
    ]
    lines = cache_text({**kept, "answers": 0, "bytes": 0, "enabled": False, "cleared": 7})
    assert lines[0] == "Answers deleted: 7."
    assert "X-Sluice-Cache: on" in lines[-1]


def test_a_sound_journal_is_silent_unless_it_was_mended() -> None:
    """Nothing is said of a journal in order; one that was damaged says so."""
    about = {"version": "1", "pid": 7, "socket": "/s", "running": 0}
    quiet = {"daemon": about, "pools": [], "queue": [], "journal": {"state": "ok"}}
    assert status_text(quiet, 0.0) == ["Sluice 1 runs (pid 7) at /s", "No call is under way."]
    mended = {**quiet, "journal": {"state": "ok", "why": "it was damaged"}}
    assert status_text(mended, 0.0)[-1] == "Journal: it was damaged"


def test_a_call_without_eta_waits_its_turn() -> None:
    """What is not known is a question mark, not a zero."""
    assert queue_text([{"id": "c1"}], 0.0)[1].split() == ["?", "c1", "?", "-", "-", "-", "its", "turn"]


def test_what_holds_calls_up_comes_first() -> None:
    """Blocked and waiting before running; idle ones last, and only a few. Several keys are told apart."""
    states = ["idle"] * 8 + ["waiting", "running", "blocked"]
    pools = [
        {"host": "h", "group": f"m{n if n else 1}", "key": f"key:{n}", "state": state, "words": state}
        for n, state in enumerate(states)
    ]
    text = [line for line in pools_text(pools) if line]
    assert text[:3] == ["h m10: blocked", "h m8: waiting", "h m9: running"]
    assert text[3:5] == ["h m1 (key:0): idle", "h m1 (key:1): idle"]
    assert text[-1].startswith("and 3 more that are idle")
    assert len(text) == 9


def test_calls_that_are_missing() -> None:
    """While the journal cannot be written it is said since when, why, and what to do, in lines that fit the terminal;
    where it never will be, nobody is told to wait."""
    journal = {"state": "degraded", "since": 1e9, "why": "/s/journal.db cannot be written: disk is full."}
    [line] = missing_text(journal, 1e9)
    assert line.startswith(f"Calls since {clock(1e9, 1e9)} are missing here: /s/journal.db cannot be written: disk is ")
    assert "Make room" in line
    assert max(width(one) for one in missing_text(journal, 1e9, "zh", 60)) <= 60
    assert missing_text({**journal, "state": "off"}, 1e9)[0].endswith("disk is full")


def test_no_calls_yet() -> None:
    """The command names the socket, so that it can be pasted."""
    assert "--unix-socket '/a b/s' http" in calls_text([], 0.0, socket="/a b/s")[0]


WIDE = {
    "daemon": {"version": "0.1.0", "pid": 7, "socket": "/home/somebody/.cache/sluice/run/sluice.sock", "running": 1,
               "sandbox": True, "started_at": 0.0, "listen": "http://127.0.0.1:8377", "token_file": "/home/x/token"},
    "pools": [{"host": "generativelanguage.googleapis.com", "group": "gemini-2.5-flash", "state": state,
               "words": "blocked: insufficient_quota; a person must put this right, waiting does not", "dims": []}
              for state in ("idle", "blocked")],
    "queue": [{"place": 1, "id": "c5342ykt2", "waits_for": "its turn"}],
    "warnings": [{"words": "80 % of the requests per minute at api.openai.com (gpt-4o) are used. Put off the rest."}],
    "journal": {"state": "degraded", "why": "/home/somebody/journal.db cannot be written: database or disk is full"},
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ko", "zh"])
def test_status_on_a_terminal(language: str) -> None:
    """No line is wider than 80 columns, where each sentence is one line in a pipe; and who waits comes before pools
    that are blocked or idle."""
    whole, broken = (status_text(WIDE, 100.0, language, most) for most in (None, 80))
    assert max(width(line) for line in broken) <= 80 < max(width(line) for line in whole)
    assert "".join("".join(broken).split()) == "".join("".join(whole).split())
    places = [next(n for n, line in enumerate(whole) if word in line) for word in ("c5342ykt2", "googleapis")]
    assert places == sorted(places)
