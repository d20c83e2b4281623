"""Configuration files of curl, read by a real curl, against a server that keeps raw bytes."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings

from curl.hostile import KEY, REQUESTS
from daemon.curl.curlrc import MAX_CARRIED, carried, curl_string, curlrc, in_lines, is_legible
from daemon.curl.request import plain_request

ALLOWED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def run(lines: list[str], folder) -> None:
    """Let curl read LINES from its standard input, in FOLDER, with a hostile curlrc and a proxy set."""
    if not shutil.which("curl"):
        pytest.skip("curl is missing: apt install curl")
    (folder / ".curlrc").write_text('header = "X-Curlrc: read"\n')
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "http_proxy": "http://127.0.0.1:9"}
    text = "\n".join([*lines, ""]).encode("utf-8", "surrogateescape")
    done = subprocess.run(
        ["curl", "-q", "-K", "-"], input=text, cwd=folder, env=env, capture_output=True, timeout=60, check=False
    )
    assert done.stderr == b""


@given(request=REQUESTS)
@ALLOWED
def test_hostile_requests_arrive_byte_for_byte(request, recorder, make_call, expected, tmp_path):
    """Whatever stands in a request, curl reads it out of the file as the daemon sent it."""
    recorder.raw.clear()
    method, target, headers, body = request
    call = make_call(method, target, headers, body, url=recorder.url)
    plain = plain_request(call, key_variable="K")
    outside = carried(plain) is not None
    (tmp_path / "b").write_bytes(body)
    lines = curlrc(
        plain,
        lambda one: f"header = {curl_string(one.name + ': ' + one.before + KEY + one.after)}",
        "@b" if outside else None,
    )
    run(lines, tmp_path)
    assert recorder.raw == [expected(recorder.url, *request)]


def test_no_line_end_leaves_its_line(make_call):
    """A line end in a body is written as an escape, so that each option stands on one line."""
    plain = plain_request(make_call(body=b'a\n"b\\'), key_variable=None)
    lines = curlrc(plain, lambda one: "", None)
    assert 'data-raw = "a\\n\\"b\\\\"' in lines
    assert not [line for line in lines if "\n" in line]


def test_what_can_be_read_and_what_goes_along(make_call):
    """Short ASCII can be read; the rest goes as base64; what is too long is asked for by a note."""
    assert is_legible(b'{"a":\n\t1}')
    for body in (b"\0", "é".encode(), b"\x1b", b"x" * 9000):
        assert not is_legible(body)
    assert carried(plain_request(make_call(body=b"{}"), key_variable=None)) is None
    assert carried(plain_request(make_call("GET"), key_variable=None)) is None
    assert carried(plain_request(make_call(body=b"\0\1"), key_variable=None)) == ["AAE="]
    plain = plain_request(make_call(body=b"\0" * (MAX_CARRIED + 1)), key_variable=None, body_file="/state/x")
    assert carried(plain) is None
    assert "Copy it from /state/x" in plain.notes[-1]


def test_base64_lines():
    """Lines that no terminal cuts."""
    assert [len(line) for line in in_lines(b"x" * 100)] == [76, 60]
