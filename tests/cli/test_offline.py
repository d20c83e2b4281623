"""What the command line answers from the journal alone."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import offline
from daemon.cli.client import Silent
from daemon.config import default_paths
from daemon.errors import NotFound
from gateway.scripted import KEY
from operations.office import Office


@pytest.fixture
async def journal(home: Path) -> tuple[str, str]:
    """A journal with a good and a failed call, left by a daemon that has ended; their ids."""
    from gateway.scripted import no_credit, ok

    here = Office(home / "state", ok(), no_credit())
    here.journal.start()
    good, _ = await here.world.send(ref="r1")
    bad, _ = await here.world.send()
    await here.world.pacer.close()
    here.hub.close()
    here.journal.close()
    return good.call.id, bad.call.id


def test_calls(journal: tuple[str, str], run: Callable[..., Any]) -> None:
    """The newest first, all or the failed ones, as text and as JSON lines."""
    good, bad = journal
    rows = [json.loads(line) for line in run("calls", "--json").out.splitlines()]
    assert [row["id"] for row in rows] == [bad, good]
    assert [json.loads(run("calls", "--failed", "--json").out)["id"]] == [bad]
    assert good in run("calls").out
    assert good in run("calls", "r1").out
    assert json.loads(run("calls", "last", "--json").out)["id"] == bad


def test_filters(journal: tuple[str, str], run: Callable[..., Any]) -> None:
    """Time, model, client and subtype narrow the list down, alone and together; when nothing is left that is said."""
    good, bad = journal

    def found(*filters: str) -> list[str]:
        return [json.loads(line)["id"] for line in run("calls", "--json", *filters).out.splitlines()]

    assert found("--model", "gpt-4*") == [bad, good]
    assert found("--subtype", "insufficient_quota", "--model", "gpt-4o", "--limit", "5") == [bad]
    assert found("--client", "nobody") == []
    assert found("--since", "100d") == found() == [bad, good]
    done = run("calls", "--model", "gpt-5", "--failed")
    assert (done.code, done.out) == (
        0,
        "No call matches, as far as the journal goes back. See all with: daemon calls\n",
    )


def test_curl_and_explain(journal: tuple[str, str], run: Callable[..., Any]) -> None:
    """The failed call's command and explanation, without its key; a good call has neither."""
    done = run("curl", "last-failed")
    assert (done.code, "api.openai.com" in done.out, KEY in done.out) == (0, True, False)
    done = run("explain", "last-failed")
    assert done.code == 0
    assert "credit" in done.out
    assert "curl" in done.out
    assert json.loads(run("explain", "last-failed", "--json").out)["explanation"]["subtype"] == "insufficient_quota"
    good, _ = journal
    assert "has not failed" in run("explain", good).out
    done = run("curl", good)
    assert (done.code, "journal.bodies" in done.err) == (1, True)


def test_a_call_that_is_not_there(journal: tuple[str, str], run: Callable[..., Any], home: Path) -> None:
    """It is said, and how to find one."""
    done = run("calls", "cxxxxxxxx")
    assert (done.code, "daemon calls" in done.err) == (1, True)
    paths = default_paths({"HOME": str(home), "SLUICE_STATE_DIR": str(home / "state")})
    with pytest.raises(NotFound):
        offline.answer(paths, "show", {"call": "x"})


def test_through_the_daemon(journal: tuple[str, str], run: Callable[..., Any], home: Path) -> None:
    """`--via-daemon` means the socket also while no daemon runs: the person may start it again first."""
    assert f"--unix-socket {home / 's'}" in run("curl", "last-failed", "--via-daemon").out
    assert "--unix-socket" not in run("curl", "last-failed").out


def test_other_forms(journal: tuple[str, str], run: Callable[..., Any]) -> None:
    """Each format and shell comes from the journal alone, without the key; what cannot be is refused with a reason."""
    for more in (
        *(("--format", form) for form in ("httpie", "python", "har", "elisp")),
        *(("--shell", shell) for shell in ("powershell", "cmd")),
    ):
        done = run("curl", "last-failed", *more)
        assert (done.code, done.err, KEY in done.out) == (0, "", False)
        assert "api.openai.com" in done.out
    assert json.loads(run("curl", "last-failed", "--format", "har").out)["log"]["entries"][0]["response"]["status"]
    done = run("curl", "last-failed", "--format", "har", "--via-daemon")
    assert (done.code, "ask for the direct way" in done.err) == (1, True)


def test_the_daemons_way(journal: tuple[str, str], run: Callable[..., Any], home: Path, monkeypatch: Any) -> None:
    """Every form goes through the proxy of the environment and trusts the configured certificates, or says that it does
    not; none of them has the proxy's password."""
    monkeypatch.setenv("https_proxy", "http://me:CANARY-proxy-password@proxy.test:3128")
    (home / "ca.pem").write_text("none")
    (home / "config.yaml").write_text(f"ca_file: {home / 'ca.pem'}\n")
    signs = {
        "curl": "--proxy http://proxy.test:3128",
        "elisp": '"--proxy" "http://proxy.test:3128"',
        "httpie": "--proxy=https:http://proxy.test:3128",
        "python": "this script does neither",
    }
    for form, sign in signs.items():
        done = run("curl", "last-failed", "--format", form)
        assert (done.code, sign in done.out, "CANARY" in done.out) == (0, True, False), done.out + done.err
    told = run("curl", "last-failed", "--shell", "powershell").out
    assert 'proxy = "http://proxy.test:3128"' in told
    assert f'cacert = "{home}/ca.pem"' in told
    assert "CANARY" not in told
    assert "--noproxy" in run("curl", "last-failed", "--via-daemon").out


def test_with_a_broken_configuration(journal: tuple[str, str], run: Callable[..., Any], home: Path) -> None:
    """The command is right without it, and so is the explanation."""
    before = run("curl", "last-failed").out
    (home / "config.yaml").write_text("langauge: en\n")
    done = run("curl", "last-failed")
    assert (done.code, done.out) == (0, before)


def test_a_damaged_journal(journal: tuple[str, str], run: Callable[..., Any], home: Path) -> None:
    """It is said, with what mends it, and without a traceback."""
    file = home / "state" / "journal.db"
    for side in home.glob("state/journal.db-*"):
        side.unlink()
    file.write_bytes(file.read_bytes()[:4096] + b"x" * 40000)
    done = run("calls")
    assert done.code == 1
    assert "cannot be read" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "command", [("export",), ("export", "all.har"), ("forget", "--all", "--yes"), ("forget", "last", "--yes")]
)
def test_a_damaged_page(
    journal: tuple[str, str],
    run: Callable[..., Any],
    home: Path,
    command: tuple[str, ...],
) -> None:
    """Also where it is met only after the journal has been opened; no half of a file is left."""
    break_calls(home / "state" / "journal.db")
    done = run(*command)
    said = "cannot be read" in done.err or "nothing was deleted" in done.err
    assert (done.code, said, "Traceback" in done.err) == (1, True, False)
    assert not list(home.glob("*.har"))


def break_calls(file: Path) -> None:
    """Overwrite the table of calls in the journal FILE."""
    with contextlib.closing(sqlite3.connect(file)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'calls'").fetchone()[0]
    data = bytearray(file.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    file.write_bytes(data)


def test_a_daemon_that_hangs(journal: tuple[str, str], run: Callable[..., Any], home: Path, monkeypatch: Any) -> None:
    """Its journal is read all the same, and the person learns that it hangs."""

    def hangs(*given: Any, **more: Any) -> Any:
        raise Silent("the daemon did not answer")

    monkeypatch.setattr("daemon.cli.client.ask", hangs)
    done = run("calls")
    assert (done.code, journal[1] in done.out) == (0, True)
    assert "the daemon did not answer; now its journal is asked" in done.err
