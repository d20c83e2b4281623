"""The Python script against a server that keeps raw bytes."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import types
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from curl.hostile import KEY, REQUESTS, random_request
from daemon.curl.python import python_script
from daemon.curl.request import plain_request

ALLOWED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def wanted(expected: Any, url: str, request: Any) -> bytes:
    """The bytes that the daemon sends; an empty field ends in a blank, with aiohttp and with http.client."""
    head, blank, body = expected(url, *request).partition(b"\r\n\r\n")
    lines = [line + b" " if line.partition(b":")[1:] == (b":", b"") else line for line in head.split(b"\r\n")]
    return b"\r\n".join(lines) + blank + body


@given(request=REQUESTS)
@example(request=("POST", "/v1/chat/completions", (("X-", ":"), ("X-Empty", "")), b""))
@ALLOWED
def test_hostile_requests_arrive_byte_for_byte(request, recorder, make_call, expected, tmp_path, monkeypatch):
    """Whatever stands in a request, the script sends it as the daemon did, with the key from the environment."""
    method, target, headers, body = request
    if not target.isascii():
        target = "/v1/plain"
    recorder.raw.clear()
    call = make_call(method, target, headers, body, url=recorder.url)
    (tmp_path / "it's").write_bytes(body)
    script = python_script(plain_request(call, key_variable="THE_KEY", body_file=str(tmp_path / "it's")))
    assert "CANARY" not in script
    monkeypatch.setenv("THE_KEY", KEY)
    out = types.SimpleNamespace(buffer=io.BytesIO(), flush=lambda: None)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    exec(compile(script, "script", "exec"), {})
    assert recorder.raw == [wanted(expected, recorder.url, (method, target, headers, body))]


def test_generated_requests_arrive_byte_for_byte(recorder, make_call, expected, tmp_path, monkeypatch):
    """Seeded requests with odd methods, tabs, raw bytes, megabytes and line ends arrive as the daemon sent them."""
    rng = random.Random("python-1")
    monkeypatch.setenv("THE_KEY", KEY)
    monkeypatch.setattr(sys, "stdout", types.SimpleNamespace(buffer=io.BytesIO(), flush=lambda: None))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    for _ in range(200):
        method, target, headers, body = random_request(rng, KEY)
        target = target if target.isascii() else "/"
        (tmp_path / "b").write_bytes(body)
        call = make_call(method, target, headers, body, url=recorder.url, stream=rng.random() < 0.5)
        script = python_script(plain_request(call, key_variable="THE_KEY", body_file=str(tmp_path / "b")))
        assert "CANARY" not in script
        exec(compile(script, "script", "exec"), {})
        assert recorder.raw.pop() == wanted(expected, recorder.url, (method, target, headers, body)), script


def test_pasted_into_a_shell(recorder, make_call, tmp_path):
    """`daemon curl … --format python | python3 -` works; without the variable it says which one to set."""
    headers = (("Authorization", "Bearer CANARY-k"), ("Accept-Encoding", "gzip"))
    call = make_call("POST", "/v1/x", headers, b'{"a": "it\'s"}\n', url=recorder.url, stream=True)
    script = python_script(plain_request(call, key_variable="THE_KEY", comment='call 1 """ it\'s'))
    command = [sys.executable, "-"]
    done = subprocess.run(
        command, input=script, env={"THE_KEY": "CANARY-k"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "200 OK\n")
    assert recorder.raw[0].endswith(b"Content-Length: 14\r\n\r\n" + b'{"a": "it\'s"}\n')
    done = subprocess.run(command, input=script, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "THE_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stream_is_shown_as_it_comes(make_call):
    """A stream is read in pieces; a packed answer is unpacked when it is there whole."""
    streamed = python_script(plain_request(make_call(stream=True), key_variable=None))
    assert "read1" in streamed
    packed = python_script(
        plain_request(make_call(stream=True, headers=(("Accept-Encoding", "gzip"),)), key_variable=None)
    )
    assert "gzip.decompress" in packed


def test_through_the_socket_and_other_secrets(make_call):
    """Through the daemon it connects to the socket; cookies are left out, and said to be."""
    call = make_call("GET", "/v1/é", (("Cookie", "s=CANARY-cookie"),))
    script = python_script(plain_request(call, key_variable=None, direct=False), via_socket="/run/it's")
    assert "socket.AF_UNIX" in script
    assert '"/run/it\'s"' in script
    assert "CANARY" not in script
    assert "Cookie" in script
    assert "/v1/%C3%A9" in script
    compile(script, "script", "exec")


@pytest.mark.parametrize(("kept", "file"), [(False, "x"), (True, None)])
def test_a_body_that_is_not_text(make_call, kept, file):
    """Without a file it stands in the script as bytes; a lost one is read from the file that the person writes."""
    plain = plain_request(make_call(body=b"\xff\0"), key_variable=None, body_kept=kept, body_file=file)
    script = python_script(plain)
    assert ("b'\\xff\\x00'" in script) == kept
    assert ("request-body" in script) == (not kept)
