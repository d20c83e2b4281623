"""`daemon check`."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import check as checking
from daemon.cli.check import Check, lines
from daemon.cli.client import Silent
from hostile.test_faults import certificate_folder

__all__ = ["certificate_folder"]


def test_a_fresh_home(run: Any) -> None:
    """Nothing is wrong where nothing was done yet; what is missing is said with its mend."""
    done = run("check")
    assert done.code == 0, done.out
    assert "no daemon" in done.out
    assert "C parser" in done.out
    assert "\u2192" in done.out


def test_a_wrong_configuration(run: Any, home: Path) -> None:
    """File and line are named, and the exit code says that something is bad."""
    (home / "config.yaml").write_text("langauge: en\n")
    done = run("check")
    assert done.code == 1
    assert "config.yaml:1" in done.out
    assert "BAD" in done.out


def test_an_open_folder(run: Any, home: Path) -> None:
    """The command that closes it is given."""
    (home / "state").mkdir()
    (home / "state").chmod(0o755)
    done = run("check")
    assert done.code == 1
    assert f"chmod 700 {home / 'state'}" in done.out


def test_an_open_socket(run: Any, home: Path) -> None:
    """The command that closes it is given; a socket of mode 0600 is no matter."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(home / "s"))
        (home / "s").chmod(0o660)
        done = run("check")
        assert done.code == 1
        assert f"{home / 's'} can be opened by others (mode 0660)" in done.out
        assert f"chmod 600 {home / 's'}" in done.out
        (home / "s").chmod(0o600)
        assert "can be opened" not in run("check").out


def test_a_provider_that_is_not_known(run: Any, home: Path) -> None:
    """With it the daemon does not start, so the check must not call the file good."""
    (home / "config.yaml").write_text(
        "upstreams:\n- {host: a.example.com, url: https://a.example.com, provider: openia}\n"
    )
    done = run("check", "--config", str(home / "config.yaml"))
    assert done.code == 1
    assert "Did you mean 'openai'?" in done.out


def test_keys_by_name_only(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which keys there are, never what they are."""
    monkeypatch.setenv("OPENAI_API_KEY", "CANARY-check-key")
    done = run("check")
    assert "OPENAI_API_KEY" in done.out
    assert "CANARY" not in done.out


def test_no_certificates(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without certificate authorities nothing would work, and OpenSSL would not say so."""
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    done = run("check")
    assert done.code == 1
    assert "ca-certificates" in done.out
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    done = run("check")
    assert done.code == 1
    assert "none cannot be used (No such file or directory)" in done.out
    assert "mend or unset the environment variable SSL_CERT_FILE" in done.out


def test_a_damaged_certificate_in_a_long_list(
    run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificate_folder: Path
) -> None:
    """Wherever it stands, whether SSL_CERT_FILE or ca_file names the list: the line, and what to do."""
    good = (certificate_folder / "authority.pem").read_bytes()
    file = tmp_path / "list.pem"
    file.write_bytes(good * 139)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert "SSL_CERT_FILE" not in run("check").out
    file.write_bytes(good * 139 + good.replace(b"\n", b"\n!", 1))
    done = run("check")
    assert done.code == 1
    line = (good * 139).count(b"\n") + 1
    assert f"SSL_CERT_FILE: the certificate that begins at {file}:{line} is damaged" in done.out
    assert "delete it from its BEGIN line to its END line" in done.out


def test_missing_programs(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A note with what each is for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("check")
    assert done.code == 0
    assert "curl is not installed" in done.out
    assert "emacs is not installed" in done.out


def test_a_running_daemon(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version, its journal, and what is blocked."""
    status: dict[str, Any] = {
        "daemon": {"version": "1", "pid": 7},
        "journal": {"state": "degraded", "why": "disk full"},
        "pools": [{"host": "h", "group": "m", "words": "no credit", "state": "blocked"}, {"host": "i", "group": ""}],
    }
    monkeypatch.setattr(checking, "ask", lambda *given, **more: status)
    done = run("check")
    assert done.code == 1
    for words in ("version 1, pid 7", "degraded: disk full", "h m: no credit"):
        assert words in done.out
    assert "turned away" not in done.out
    status["daemon"]["turned_away"] = 2
    status["journal"] = {"state": "ok", "rows": 3}
    status["pools"] = []
    done = run("check")
    assert "calls in it: 3" in done.out
    assert "other users: 2" in done.out
    assert "chmod 700" in done.out


def test_a_look_that_breaks(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fault of ours does not hide the other findings."""

    def _broken_look(*given: object) -> Any:
        raise RuntimeError("oops")

    monkeypatch.setattr(checking, "_LOOKS", (_broken_look, *checking._LOOKS))
    done = run("check")
    assert done.code == 1
    assert "broken look: RuntimeError: oops" in done.out
    assert "C parser" in done.out


def test_lines() -> None:
    """A mend stands below what it mends."""
    told = list(lines([Check("ok", "good", "not shown"), Check("bad", "wrong", "do this")]))
    assert told[:3] == ["ok    good", "BAD   wrong", "      → do this"]


def test_a_daemon_that_hangs(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is bad, unlike none at all."""

    def hangs(*given: Any, **more: Any) -> Any:
        raise Silent("the daemon did not answer; end it")

    monkeypatch.setattr(checking, "ask", hangs)
    done = run("check")
    assert done.code == 1
    assert "BAD   the daemon did not answer; end it" in done.out


def test_a_shared_folder_is_not_made_private(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the socket in /tmp nobody is told to close /tmp for everybody else."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setenv("SLUICE_SOCKET", str(shared / "s"))
    done = run("check")
    assert done.code == 1
    assert f"{shared} is shared with others" in done.out
    assert "chmod" not in done.out


def test_wrong_rules_of_ones_own(run: Any, home: Path) -> None:
    """The daemon would not start with them; several mistakes stand on lines of their own."""
    (home / "rules").mkdir()
    (home / "rules" / "a.yaml").write_text("- {id: mine}\n")
    assert "BAD   your rules: " in run("check").out
    (home / "rules" / "a.yaml").write_text("[]\n")
    (home / "config.yaml").write_text("a: 1\nb: 2\n")
    done = run("check")
    assert "your rules for explanations in" in done.out
    assert "\n      " + str(home / "config.yaml") + ":2" in done.out
    assert done.out.endswith("\n1 to mend.\n")


def test_in_korean(run: Any, home: Path) -> None:
    """What is wrong and its mend are told in the language asked for; the command to type stays as it is."""
    (home / "state").mkdir()
    (home / "state").chmod(0o755)
    done = run("check", "--language", "ko")
    assert done.code == 1
    assert f"문제  {home / 'state'}에 다른 사람도 들어올 수 있어요(권한 0755)" in done.out
    assert f"→ 이렇게 해 주세요: chmod 700 {home / 'state'}" in done.out
    assert "고칠 것이 1개 있어요." in done.out


def test_a_sandbox_that_answers(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever believes to talk to a provider is told."""
    status: dict[str, Any] = {
        "daemon": {"version": "1", "pid": 7, "sandbox": True}, "journal": {"state": "ok"}, "pools": [],
    }  # fmt: skip
    monkeypatch.setattr(checking, "ask", lambda *given, **more: status)
    assert "what answers is the sandbox" in run("check").out
    status["daemon"]["sandbox"] = False
    assert "what answers is the sandbox" not in run("check").out


def test_a_host_that_looks_like_a_slip(run: Any, home: Path) -> None:
    """Its limits would hold for nobody; one with an address of its own is meant so."""
    (home / "config.yaml").write_text(
        "upstreams: [{host: api.opnai.com}, {host: api.opemai.com, url: 'https://x.test'}]"
    )
    done = run("check")
    assert "upstreams names api.opnai.com" in done.out
    assert "did you mean api.openai.com?" in done.out
    assert "opemai" not in done.out


def test_on_a_terminal() -> None:
    """Lines break between words, below where they begin."""
    long = "the daemon answers at /home/somebody/.cache/sluice/run/sluice.sock (version 0.1.0, pid 12345)"
    mend = "end it with `daemon stop`, then start `daemon`, when you want a provider " * 2
    broken = list(lines([Check("bad", long, mend)], most=80))
    assert max(len(line) for line in broken) <= 80
    assert broken[0].startswith("BAD   the daemon")
    assert broken[1] == "      (version 0.1.0, pid 12345)"
    assert broken[3].startswith("        ")
