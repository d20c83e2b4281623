"""The command against a server that keeps raw bytes, in four shells; strings are compared nowhere.

SLUICE_REPLAYS says how many generated requests run in each shell (default 80; 5000 takes a quarter of an hour):

    SLUICE_REPLAYS=5000 python -m pytest tests/curl/test_command.py -k generated -rP
"""

from __future__ import annotations

import os
import pty
import random
import re
import select
import time
from pathlib import Path

import pytest

from curl.hostile import generated
from curl.shells import run, shell
from daemon.curl import curl_command, needs_file

COUNT = int(os.environ.get("SLUICE_REPLAYS", "80"))
BATCH = 250
"""Commands in one script: all of 5000 with their bodies would not fit into a small machine's memory."""


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", ["sh", "bash", "zsh", "fish"])
def test_generated_requests_arrive_byte_for_byte(name, recorder, make_call, expected, key, tmp_path):
    """Seeded hostile requests arrive as the daemon would send them, and nothing that stands in them is run."""
    argv = shell(name)
    rng = random.Random(f"{name}-1")
    for begin in range(0, COUNT, BATCH):
        wanted, lines = generated(rng, begin, min(BATCH, COUNT - begin), recorder.url, make_call, key, tmp_path)
        recorder.raw.clear()
        assert run(argv, "\n".join(lines), tmp_path, {"THE_KEY": key}) == ""
        for got, want, line in zip(recorder.raw, wanted, lines, strict=True):
            assert got == want(expected), line
    assert not list(tmp_path.rglob("MARK*"))
    print(f"{name}: {COUNT} requests, 0 differences")


def test_the_key_is_not_in_ps(recorder, make_call, tmp_path, key):
    """While curl waits for its answer, no process of the machine has the key among its arguments."""
    seen: list[bytes] = []
    recorder.on_request = lambda: seen.extend(_cmdlines())
    call = make_call(headers=(("Authorization", f"Bearer {key}"),), url=recorder.url)
    run(shell("sh"), curl_command(call, key_variable="THE_KEY"), tmp_path, {"THE_KEY": key})
    ours = [line for line in seen if recorder.url.encode() in line]
    assert ours
    assert not [line for line in ours if b"CANARY" in line]
    assert key.encode() in recorder.raw[0]


def _cmdlines() -> list[bytes]:
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(entry.read_bytes())
        except OSError:
            continue  # it ended meanwhile
    return lines


@pytest.mark.parametrize("name", ["dash", "bash", "zsh", "fish"])
def test_pasted_into_a_terminal(name, recorder, make_call, expected, key, tmp_path):
    """Pasted into an interactive shell, with a comment full of traps, it arrives the same and leaves no open quote."""
    argv = shell(name)
    headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {key}"), ("X-Tab", "a\tb"))
    body = b'{"it\'s": "<b>!! $HOME `id` 50% \\\\ ~/x"}'
    call = make_call(headers=headers, body=body, url=recorder.url)
    command = curl_command(
        call, key_variable="THE_KEY", comment="it's (odd) \"open $(touch MARK) `x ! ~ * > MARK\n\x1b[31m"
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "TERM": "dumb", "THE_KEY": key}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execvpe(argv[0], [*argv, "-i"], env)
    try:
        screen = _read_until(terminal, lambda text: bool(re.search(rb"[#$%>] ", text)), 3)
        os.write(terminal, (command + "\necho the-''end\nexit\n").encode())
        screen += _read_until(terminal, lambda text: b"the-end" in text, 20)
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    assert recorder.raw == [expected(recorder.url, "POST", "/v1/chat/completions", headers, body)], screen
    assert b"the-end" in screen
    assert not (tmp_path / "MARK").exists()


def _read_until(terminal: int, enough, seconds: float) -> bytes:
    """What the terminal shows, until ENOUGH of it or the time is up."""
    text, end = b"", time.monotonic() + seconds
    while not enough(text) and time.monotonic() < end:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            text += os.read(terminal, 65536)
        except OSError:
            break
    return text


@pytest.mark.parametrize("name", ["sh", "bash", "zsh", "fish"])
def test_values_that_were_not_kept(name, recorder, make_call, expected, key, tmp_path):
    """Filled in from their variables beside the key they arrive byte for byte, in order; none is in the command."""
    odd = "CANARY-%s \\n $HOME 'q' \"d\""
    headers = (
        ("X-Pass", odd),
        ("Content-Type", "text/plain"),
        ("x-api-key", key),
        ("X-Sid", "CANARY-2"),
        ("Accept", "*/*"),
    )
    call = make_call(headers=headers, body=b"{}", url=recorder.url).shown()
    command = curl_command(call, key_variable="THE_KEY")
    assert "CANARY" not in command
    given = {"THE_KEY": key, "HEADER_X_PASS": odd, "HEADER_X_SID": "CANARY-2"}
    assert run(shell(name), command, tmp_path, given) == ""
    assert recorder.raw == [expected(recorder.url, "POST", "/v1/chat/completions", headers, b"{}")]


def test_geminis_key_moves_into_a_header(recorder, make_call, expected, tmp_path):
    """`?key=` becomes x-goog-api-key, the rest of the query stays, and a comment says so."""
    headers = (("Content-Type", "application/json"),)
    call = make_call(
        "POST", "/v1beta/m:gen?alt=sse&key=CANARY-gem&x=1", headers, b"{}", url=recorder.url, provider="gemini"
    )
    command = curl_command(call, key_variable="GEMINI_API_KEY")
    assert re.search(r"(?m)^# .*x-goog-api-key", command)
    run(shell("sh"), command, tmp_path, {"GEMINI_API_KEY": "CANARY-gem"})
    moved = (*headers, ("x-goog-api-key", "CANARY-gem"))
    assert recorder.raw == [expected(recorder.url, "POST", "/v1beta/m:gen?alt=sse&x=1", moved, b"{}")]


def test_other_secrets_are_left_out_and_named(make_call):
    """Cookies, AWS signatures and unknown query secrets cannot be repeated: they are named in comments, never shown."""
    headers = (("Cookie", "s=CANARY-cookie"), ("Authorization", "Bearer CANARY-key"), ("x-my-token", "CANARY-other"))
    command = curl_command(make_call("GET", "/x?sig=CANARY-sig&a=1", headers), key_variable="OPENAI_API_KEY")
    assert "CANARY" not in command
    assert "/x?a=1" in command
    for named in ("Cookie", "x-my-token", "sig"):
        assert re.search(rf"(?m)^# .*\b{named}\b", command)
    aws = (("Authorization", "AWS4-HMAC-SHA256 Credential=CANARY"), ("X-Amz-Date", "20260101T000000Z"))
    signed = curl_command(make_call("POST", "/model/m/invoke", aws, b"{}"), key_variable="K")
    assert "aws-sigv4" in signed
    assert "@-" not in signed


def test_a_key_in_an_odd_place_is_taken_out(make_call):
    """The same key in the body, in a header with a harmless name or in the path is not in the command."""
    key = "CANARY-abcdef123456"
    headers = (("Authorization", f"Bearer {key}"), ("X-Note", f"was {key}"))
    body = f'{{"user":"{key}"}}'.encode()
    command = curl_command(make_call("POST", f"/u/{key}/x", headers, body), key_variable="K")
    assert key not in command
    assert "not the same byte for byte" in command


def test_unknown_variable_and_lost_body_are_said(make_call):
    """Without a known variable, or without the body, the command says what the person has to do first."""
    call = make_call(headers=(("x-api-key", "CANARY-1234567"),), body=b"\0")
    command = curl_command(call, key_variable=None, body_kept=False)
    assert '"$API_KEY"' in command
    assert "@request-body" in command
    assert command.count("# ") == 2


def test_via_daemon_and_by_proxy(make_call):
    """Through the daemon it names the provider's host over plain HTTP; the proxy's password is left out."""
    call = make_call("GET", "/v1/models", url="https://relay.example/openai")
    through = curl_command(call, key_variable=None, via_socket="/run/user/1/sluice/sock")
    assert "--unix-socket /run/user/1/sluice/sock" in through
    assert "http://relay.example/v1/models" in through
    proxied = curl_command(call, key_variable=None, proxy="http://me:CANARY-pw@proxy:3128", ca_file="/etc/ca.pem")
    assert "CANARY" not in proxied
    assert "--proxy http://proxy:3128" in proxied
    assert "--cacert /etc/ca.pem" in proxied
    assert "https://relay.example/openai/v1/models" in proxied


def test_head_does_not_hang(recorder, make_call, tmp_path):
    """HEAD goes out as -I: with -X HEAD curl would wait for a body."""
    assert (
        run(shell("sh"), curl_command(make_call("HEAD", "/v1/models", url=recorder.url), key_variable=None), tmp_path)
        == ""
    )
    assert recorder.raw[0].startswith(b"HEAD /v1/models HTTP/1.1\r\n")


def test_for_a_log(recorder, make_call, expected, tmp_path):
    """On one line, with the body in its file even where it could be pasted, it sends the same; without a body there is
    no file."""
    headers = (("Content-Type", "application/json"), ("Authorization", "Bearer CANARY-k"))
    (tmp_path / "b").write_bytes(b"{}")
    call = make_call(headers=headers, body=b"{}", url=recorder.url)
    how = {"key_variable": "K", "body_file": str(tmp_path / "b"), "body_in_file": True, "one_line": True}
    command = curl_command(call, **how)
    assert "\n" not in command.partition("\n")[2]
    assert f"@{tmp_path / 'b'}" in command
    run(shell("sh"), command, tmp_path, {"K": "CANARY-k"})
    assert recorder.raw == [expected(recorder.url, "POST", "/v1/chat/completions", headers, b"{}")]
    assert "--data-raw ''" in curl_command(make_call(body=b""), **how)


@pytest.mark.parametrize(
    "body",
    [
        b"@x",
        b"\0",
        b"\xff",
        b"a\tb",
        b"a\rb",
        b"\x1b[31m",
        b"x" * 8193,
        b"y" * 3901,
        b"'" * 41,
        "\u202e".encode(),
        b"a\n~.",
    ],
)
def test_bodies_that_are_not_safe_to_paste(body):
    """Each kind of trap for terminals goes into a file."""
    assert needs_file(body)


def test_plain_bodies_stay_inline():
    """What people send most stays in the command where they can read it."""
    assert not needs_file('{"messages":[{"role":"user","content":"Héllo, it\'s me\\n🙂"}]}\n'.encode())
