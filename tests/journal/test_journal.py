"""The journal whole, as the daemon uses it: recorded on the loop, read back, and never in the way."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from daemon.curl.forms import FORMATS, call_as
from daemon.errors import NotFound
from daemon.journal import Keeping, Which, open_reader
from daemon.model import Event
from journal.recording import recorded, until_ok

FORMS = [*((form, "posix") for form in FORMATS), ("curl", "powershell"), ("curl", "cmd")]


async def test_a_success_is_told_whole(make_journal, make_call, success):
    """Times, usage, attempts, headers by the list and the steps in words come back."""
    journal = make_journal()
    await recorded(journal, success(make_call()))
    row = await journal.call("last")
    assert row is not None
    assert (row["state"], row["status"], row["waited_s"], row["duration_s"]) == ("done", 200, 1.0, 3.0)
    assert row["usage"] == {"input": 11, "output": 7, "cached_input": 2, "cache_write": 0, "reported": True}
    assert row["tries"][0]["headers"] == [["x-ratelimit-remaining-requests", "9", 1], ["Secretive", None, 3]]
    assert [step["kind"] for step in row["timeline"]] == [
        "queued",
        "admitted",
        "sent",
        "answered",
        "first_byte",
        "done",
    ]
    assert row["timeline"][1]["text"] == "may go, after 1.0 s in the queue"
    assert row["request"]["file"] is None
    assert journal.health()["state"] == "ok"
    assert journal.health()["rows"] == 1


async def test_whoever_asks_has_what_was_not_handed_over_yet(make_journal, make_call, success):
    """Before a question, whoever records hands over what it has kept back."""
    journal = make_journal()
    kept_back = list(success(make_call()))
    journal.catch_up = lambda: (journal.record_all(kept_back), kept_back.clear())
    row = await journal.call("last")
    assert row is not None
    assert row["state"] == "done"


async def test_a_failure_can_be_repeated(make_journal, make_call, failed_event):
    """The call comes back as it was sent, its key by name only, its body from a private file."""
    journal = make_journal()
    call = make_call(body=b"\0\xffbinary")
    await recorded(journal, [Event("queued", call, 1000.0), Event("sent", call, 1001.0, 1), failed_event(call)])
    kept = await journal.rebuild("last-failed")
    assert kept is not None
    assert (kept.call.method, str(kept.call.target), kept.call.body) == ("POST", "/v1/chat/completions?a=1", call.body)
    assert [(name, str(value)) for name, value in kept.call.headers] == [(n, str(v)) for n, v in call.headers]
    assert kept.call.headers[1][1].secrets()[0].name == call.scope.key
    assert kept.body_file == str(journal.body_file("c1"))
    assert journal.body_file("c1").stat().st_mode & 0o777 == 0o600
    assert "Too many requests" in kept.comment
    row = await journal.call("r-c1")
    assert row is not None
    assert (row["subtype"], row["explanation"]["family"], row["tries"][0]["status"]) == ("requests", "rate", 429)


@pytest.mark.parametrize("policy", ["failed", "all", "none"])
async def test_the_key_is_in_no_file(policy, make_journal, make_call, failed_event, success, key, tmp_path):
    """Not in the database, its WAL, nor in the bodies, though client, body, headers and answer all name it."""
    journal = make_journal(bodies=policy)
    call = make_call("c2", body=f'{{"user":"{key}"}}'.encode(), client=f"me {key}", ref=key)
    await recorded(
        journal,
        [*success(make_call("c1", body=key.encode())), Event("queued", call, 1.0, reason=key), failed_event(call)],
    )
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    row = await journal.call("c2")
    assert row is not None
    assert row["request"]["changed"] == (policy != "none")
    journal.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]


async def test_a_credential_under_an_unknown_name_is_in_no_file(make_journal, make_call, failed_event, redactor):
    """Of a field whose name nobody knows the name and a length are kept: the value is in no file and in no command,
    which says instead what to fill in. Values of known fields stay."""
    fields = (("X-Pass", "CANARY-pass-81f2c3"), ("X-Session", "CANARY-session-90ab"), ("x-stainless-lang", "python"))
    call = make_call()
    call = replace(call, headers=(*call.headers, *((name, redactor.header(name, value)) for name, value in fields)))
    journal = make_journal()
    await recorded(journal, [Event("queued", call, 1000.0), Event("sent", call, 1001.0, 1), failed_event(call)])
    row, kept = await journal.call("c1"), await journal.rebuild("c1")
    assert row is not None
    assert kept is not None
    assert row["request"]["headers"][3:] == [
        ["X-Pass", [{"withheld": 18}]],
        ["X-Session", [{"withheld": 19}]],
        ["x-stainless-lang", ["python"]],
    ]
    for form, shell in FORMS:
        text = call_as(kept.call, form, shell, key_variable="K", body_file=kept.body_file)
        assert "CANARY" not in text
        assert "X-Pass" in text
    journal.close()
    written = b"".join([path.read_bytes() for path in journal.folder.rglob("*") if path.is_file()])
    assert b"X-Session" in written
    assert b"CANARY" not in written


@pytest.mark.parametrize(
    ("policy", "names"), [("failed", ["c2.request"]), ("all", ["c1.answer", "c1.request", "c2.request"]), ("none", [])]
)
async def test_bodies_by_policy(policy, names, make_journal, make_call, success, failed_event):
    """`failed` keeps the requests of failed calls, `all` everything, `none` nothing, no answer's text either."""
    journal = make_journal(bodies=policy)
    await recorded(
        journal, [*success(make_call("c1")), Event("sent", make_call("c2"), 1.0, 1), failed_event(make_call("c2"))]
    )
    folder = journal.folder / "bodies"
    assert sorted(path.name for path in folder.glob("*")) == names
    row = await journal.call("c2")
    assert row is not None
    assert (row["tries"][0]["body"] is None) == (policy == "none")
    assert (await journal.rebuild("c1") is None) == (policy != "all")


async def test_what_will_be_kept_is_known_before(make_journal, make_call):
    """So that the log can name the file: by policy, by size, and nothing of a call without a body."""
    long, none = make_call(body=b"x" * 100), make_call(body=b"")
    for policy, wanted in (("failed", [False, True]), ("all", [True, True]), ("none", [False, False])):
        journal = make_journal(bodies=policy, max_body_bytes=50)
        assert [journal.keeps(make_call(), failed) for failed in (False, True)] == wanted
        assert not journal.keeps(long, True)
        assert not journal.keeps(none, True)
        journal.close()


async def test_files_are_private(make_journal, make_call, success):
    """The folder is 0700, every file in it 0600, whatever the umask."""
    before = os.umask(0)
    try:
        journal = make_journal(bodies="all")
        await recorded(journal, success(make_call()))
    finally:
        os.umask(before)
    assert journal.folder.stat().st_mode & 0o777 == 0o700
    files = [path for path in journal.folder.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {"journal.db", "journal.db-wal", "journal.db-shm"} <= {path.name for path in files}


async def test_lists_and_filters(make_journal, make_call, success, failed_event):
    """Newest first, by every filter, and page by page."""
    journal = make_journal(clock=lambda: 1100.0)
    for n in range(5):
        call = make_call(f"c{n}", client=f"client{n % 2}", arrived_at=1000.0 + n)
        await recorded(journal, [Event("queued", call, 1.0), failed_event(call)] if n == 3 else success(call))
    ids = {
        "all": [row["id"] for row in await journal.calls()],
        "failed": [row["id"] for row in await journal.calls(failed=True)],
        "client": [row["id"] for row in await journal.calls(client="client1")],
        "since": [row["id"] for row in await journal.calls(since_s=97.5)],
        "model": [row["id"] for row in await journal.calls(model="gpt-*", limit=1)],
        "subtype": [row["id"] for row in await journal.calls(subtype="requests", host="api.openai.com")],
        "page": [row["id"] for row in await journal.calls(before="c3", limit=2)],
    }
    assert ids == {
        "all": ["c4", "c3", "c2", "c1", "c0"], "failed": ["c3"], "client": ["c3", "c1"], "since": ["c4", "c3"],
        "model": ["c4"], "subtype": ["c3"], "page": ["c2", "c1"],
    }  # fmt: skip


async def test_read_by_the_command_line_while_it_runs_and_after(make_journal, make_call, success):
    """A second process' reader sees what is committed, and all of it when the daemon has ended."""
    journal = make_journal()
    await recorded(journal, success(make_call()))
    with open_reader(journal.folder) as reader:
        assert reader.call("c1") is not None
        await recorded(journal, success(make_call("c2")))
        assert len(reader.calls()) == 2
    journal.close()
    with open_reader(journal.folder) as reader:
        assert len(reader.calls()) == 2


async def test_a_disk_that_refuses_loses_nothing_when_it_recovers(make_journal, make_call, success, tmp_path):
    """A folder that cannot be made: recording goes on, health says why, and the rows come when it can be."""
    (tmp_path / "state").write_text("a file where the folder should be")
    journal = make_journal(folder=tmp_path / "state" / "journal")
    for event in success(make_call()):
        journal.record(event)
    assert not await journal.flush()
    assert journal.health()["state"] == "degraded"
    with pytest.raises(NotFound):
        await journal.calls()
    (tmp_path / "state").unlink()
    assert await until_ok(journal)
    assert (await journal.calls())[0]["state"] == "done"
    assert journal.health()["dropped"] == 0


async def test_a_full_disk(make_journal, make_call, success, monkeypatch):
    """SQLITE_FULL: nothing raises, rows wait in memory, drops are counted beyond that, and it recovers by itself."""
    from daemon.journal import database, writer

    monkeypatch.setattr(writer, "MAX_PENDING", 20)
    room = database._PRAGMAS
    monkeypatch.setattr(database, "_PRAGMAS", room + "PRAGMA max_page_count = 30;")
    journal = make_journal()
    for n in range(100):
        for event in success(make_call(f"c{n}")):
            journal.record(event)
        if not await journal.flush():
            break
    for n in range(100, 130):
        for event in success(make_call(f"c{n}")):
            journal.record(event)
    assert not await journal.flush()
    health = journal.health()
    assert health["state"] == "degraded"
    assert "full" in health["why"]
    assert health["dropped"] > 0
    monkeypatch.setattr(database, "_PRAGMAS", room + "PRAGMA max_page_count = 4294967294;")
    assert await until_ok(journal)
    assert journal.health()["state"] == "ok"
    assert (await journal.calls(limit=1))[0]["id"] == "c129"


async def test_forget_really_deletes(make_journal, make_call, failed_event):
    """After forget no byte of the body or the model's name is in any file; newer calls stay."""
    journal = make_journal()
    old = make_call("c1", body=b"OLD-PROMPT", client="OLD-CLIENT", arrived_at=10.0)
    new = make_call("c2", arrived_at=300_000.0)
    await recorded(
        journal,
        [
            *(Event("queued", old, 10.0), failed_event(old, 20.0)),
            *(Event("queued", new, 300_000.0), failed_event(new, 300_010.0)),
        ],
    )
    assert (await journal.forget(Which(before=250_000.0))).calls == 1
    assert [row.calls for row in await journal.ledger("1970-01-01")] == [1]
    assert [row["id"] for row in await journal.calls()] == ["c2"]
    assert not [p for p in journal.folder.rglob("*") if p.is_file() and b"OLD-" in p.read_bytes()]
    assert (await journal.forget(Which(only_bodies=True))).calls == 1
    assert await journal.rebuild("c2") is None
    assert not list((journal.folder / "bodies").iterdir())


async def test_settings_change_while_it_runs(make_journal, make_call, success):
    """A reload can change what is kept."""
    journal = make_journal(bodies="none")
    journal.keeping = Keeping(bodies="all")
    await recorded(journal, success(make_call()))
    assert await journal.rebuild("c1") is not None


async def test_hostile_values_are_stored(make_journal, make_call, redactor):
    """NUL, lone surrogates, huge numbers and NaN do not stop a row."""
    journal = make_journal()
    call = make_call("c1", client="a\0b\ud800c")
    queued = Event("queued", call, 1.0, reason="\udcff")
    sent = Event("sent", call, float("nan"), 1)
    answered = Event("answered", call, 2.0, 1, status=2**70, headers=(("Date", "\ud800"),))
    await recorded(journal, [queued, answered, sent, answered])
    row = await journal.call("c1")
    assert row is not None
    assert row["client"] == "a\u2400b\ufffdc"


async def test_recording_costs_the_loop_next_to_nothing(make_journal, make_call, success):
    """A record is a put: far below a tenth of a millisecond, also while the writer works."""
    journal = make_journal()
    events = success(make_call())
    start = time.thread_time()
    for _ in range(500):
        for event in events:
            journal.record(event)
    assert (time.thread_time() - start) / 3000 < 0.0001
    await journal.flush()


async def test_nothing_raises_after_close(make_journal, make_call, success):
    """Late events of a stopping daemon fall into the void."""
    journal = make_journal()
    await journal.flush()
    journal.close()
    for event in success(make_call()):
        journal.record(event)
    journal.close()
    assert journal.health()["state"] == "off"


KILLED = """
import asyncio, sys, time
from daemon.journal import Journal
from daemon.model import Ask, Call, Event, Origin, Scope
from daemon.redact import Redactor, Sealed
from pathlib import Path

async def main():
    journal = Journal(Path(sys.argv[1]), redactor=Redactor(b"i"), bodies="all")
    journal.start()
    n = 0
    while True:
        ids = [f"{sys.argv[2]}-{n + i}" for i in range(5)]
        for name in ids:
            origin, scope = Origin("h", "https://h", "openai"), Scope("h", "-", "m")
            call = Call(name, origin, scope, "POST", Sealed("/"), (), b"body", Ask(),
                        arrived_at=time.time())
            journal.record(Event("queued", call, 1.0))
            journal.record(Event("sent", call, 1.0, 1))
            journal.record(Event("done", call, 2.0, 1, status=200, final=True))
            journal.memory.remember("count", "n", str(n + 5))
        if await journal.flush():
            n += 5
            print(n, flush=True)

asyncio.run(main())
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    """SLUICE_KILLS (default 5) times: each row that flush acknowledged is there, whole, and the file is sound."""
    folder = tmp_path / "journal"
    acked: dict[int, int] = {}
    for kill in range(int(os.environ.get("SLUICE_KILLS", "5"))):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder), str(kill)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        last = 0
        for _ in range(3 + kill * 7 % 11):
            last = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read().split()
        acked[kill] = int(rest[-1]) if rest else last
        child.wait()
        child.stdout.close()
        db = sqlite3.connect(folder / "journal.db")
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        for run, most in acked.items():
            query = "SELECT count(*) FROM calls WHERE id GLOB ? AND state = 'done' AND body_kept = 4"
            assert db.execute(query, (f"{run}-*",)).fetchone()[0] >= most
        assert int(db.execute("SELECT value FROM memory").fetchone()[0]) >= acked[kill]
        db.close()
    assert not list(folder.glob("journal.corrupt-*"))
