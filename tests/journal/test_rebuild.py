"""From the journal alone to the curl command."""

from dataclasses import replace

from daemon.curl import curl_command
from daemon.journal import call_from_row
from daemon.journal.rebuild import comment, moved, not_kept, stranded
from daemon.model import Origin, Way


async def test_the_curl_command_from_the_journal_is_that_of_the_call(
    make_journal, make_call, failed_event, redactor, key
):
    """Keys in header and target, an empty header, a binary body: the same command as from the live call."""
    journal = make_journal()
    call = make_call(target=redactor.target(f"/v1/x?key={key}&a=1"), body=b"\0")
    journal.record(failed_event(call))
    kept = await journal.rebuild("c1")
    assert kept is not None
    again = curl_command(kept.call, key_variable="K", body_file=kept.body_file)
    assert again == curl_command(call, key_variable="K", body_file=kept.body_file)
    assert key not in again


async def test_a_body_that_is_gone(make_journal, make_call, failed_event):
    """When the file has been deleted by hand there is nothing to rebuild; a call without a body needs none."""
    journal = make_journal()
    journal.record(failed_event(make_call("c1")))
    journal.record(failed_event(make_call("c2", method="GET", body=b"")))
    row = await journal.call("c1")
    assert row is not None
    assert call_from_row(row) is not None
    journal.body_file("c1").unlink()
    assert call_from_row(row) is None
    assert await journal.rebuild("c2") is not None
    assert await journal.rebuild("unknown") is None


def test_the_comment_says_what_came_of_it():
    """Which call, what it showed, and that a key was taken out."""
    row = {"id": "c1", "started_at": 0.0, "method": "POST", "host": "h", "model": None, "status": 429}
    row |= {"line": "Too many.", "request": {"changed": True}}
    assert "It showed: status 429. Too many." in comment({**row, "state": "failed"})
    assert "no answer" in comment({**row, "state": "failed", "status": None})
    assert "went well" in comment({**row, "state": "done"})
    assert "interrupted" in comment({**row, "state": "interrupted"})
    assert "taken out" in comment({**row, "state": "done"})


def test_the_comment_in_other_languages():
    """Whoever pastes the command reads above it what it is, in the language asked for."""
    row = {
        "id": "c1", "started_at": 0, "method": "POST", "host": "h", "model": "m", "status": 429, "line": None,
        "state": "failed", "request": {"changed": True},
    }  # fmt: skip
    lines = comment(row).told("ko").split("\n")
    assert lines[0].startswith("Sluice 요청 c1, ")
    assert lines[1] == "결과: 상태 코드 429."
    assert lines[2].startswith("본문에 키가 들어 있었어요.")


def test_why_there_is_no_body():
    """The setting that says which are kept; and for one that came compressed, in which coding, why that matters and
    what to do. What a client has called its coding is told in part, if that is long."""
    row = {"id": "c1", "request": {"headers": [["Accept", ["x"]]]}}
    assert "journal.bodies" in not_kept(row).message
    assert "compressed" not in not_kept(row).message
    row["request"]["headers"].append(["content-encoding", ["br"]])
    said = not_kept(row).message
    assert "journal.bodies" in said
    assert "compressed (br)" in said
    assert "no key" in said
    assert "uncompressed" in said
    row["request"]["headers"][1] = ["Content-Encoding", ["x" * 5000]]
    assert len(not_kept(row).message) < 600


async def test_a_sandbox_has_another_port_after_each_start(make_journal, make_call, failed_event):
    """A call to one that has ended goes to the one that runs; without one the comment says that nobody may answer. What
    went to a provider, or to a server of this machine that the configuration names, stays as it was."""
    journal = make_journal()
    journal.record(failed_event(replace(make_call(), origin=Origin("api.openai.com", "http://127.0.0.1:99", "openai"))))
    kept = await journal.rebuild("c1")
    real = Origin("api.openai.com", "https://api.openai.com", "openai")
    here = replace(real, url="http://127.0.0.1:99")
    assert moved(kept, real, "http://127.0.0.1:7").call.origin.url == "http://127.0.0.1:7"
    assert "a sandbox that has ended" in moved(kept, real, None).comment
    for origin in (here, replace(real, ways=(Way("local", here.url, None),)), None):
        assert moved(kept, origin, "http://127.0.0.1:7") is kept
    assert not stranded(replace(kept.call, origin=real), here)
