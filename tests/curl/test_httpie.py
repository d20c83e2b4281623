"""The HTTPie command. Its rules for items are applied on paper, to what a real shell hands over."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from httpie.cli.argtypes import KeyValueArgType
from httpie.cli.constants import SEPARATOR_GROUP_ALL_ITEMS
from hypothesis import HealthCheck, given, settings

from curl.hostile import KEY, REQUESTS
from daemon.curl.command import needs_file
from daemon.curl.httpie import httpie_command
from daemon.curl.request import plain_request

ALLOWED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SPY = f"#!{sys.executable}\nimport json, sys\nprint(json.dumps([sys.argv[1:], open('/dev/stdin').read()]))\n"


def handed_over(command: str, folder, key: str) -> tuple[list[str], str]:
    """The arguments and the standard input that a shell gives to `http`."""
    spy = folder / "http"
    spy.write_text(SPY)
    spy.chmod(0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "THE_KEY": key, "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["sh", "-c", command], env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=True
    )
    arguments, text = json.loads(done.stdout)
    return arguments, text


def item(argument: str, stdin: str) -> tuple[str, str] | None:
    """The header field that HTTPie's own parser makes of ARGUMENT; None for a default that is taken away."""
    one = KeyValueArgType(*SEPARATOR_GROUP_ALL_ITEMS)(argument)
    if one.sep == ":@":
        assert one.value == "/dev/stdin"
        return one.key, stdin.rstrip("\n")
    assert one.sep in (":", ";"), "not a field for HTTPie"
    return (one.key, one.value.strip()) if one.value or one.sep == ";" else None


@given(request=REQUESTS)
@ALLOWED
def test_hostile_requests_by_the_rules(request, make_call, tmp_path):
    """What a shell hands to HTTPie means, by HTTPie's rules, the method, address, fields and body of the call."""
    method, target, headers, body = request
    call = make_call(method, target, headers, body)
    file = tmp_path / "it's = a:body"
    file.write_bytes(body)
    command = httpie_command(plain_request(call, key_variable="THE_KEY", body_file=str(file)))
    assert "CANARY" not in command
    arguments, stdin = handed_over(command, tmp_path, KEY)
    assert arguments[:2] == ["--ignore-stdin", "--path-as-is"]
    assert arguments[2:4] == [method, call.origin.url + target]
    rest = arguments[4:]
    if body:
        last = rest.pop()
        wanted = "@" + str(file) if needs_file(body) else "--raw=" + body.decode()
        assert last == wanted
    fields = [found for one in rest if (found := item(one, stdin))]
    assert fields == [field for field in headers if not re.search(r"\\[:;=@]", field[1])]


def test_run_by_httpie(recorder, make_call, tmp_path):
    """Where HTTPie is there, it sends method, address, each field and the body as the daemon did."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    if not shutil.which("http", path=path):
        pytest.skip("httpie is missing: pip install httpie")
    headers = (("Authorization", "Bearer CANARY-k"), ("X-Odd", "=a\\b:@c"), ("X-Empty", ""), ("X-D", "1"), ("X-D", "2"))
    call = make_call("POST", "/v1/../x?a=1", headers, b'{"a":1}\n', url=recorder.url)
    command = httpie_command(plain_request(call, key_variable="THE_KEY"))
    env = {"PATH": path, "THE_KEY": "CANARY-k", "HOME": str(tmp_path)}
    subprocess.run(["sh", "-c", command], env=env, stdin=subprocess.DEVNULL, timeout=30, check=True)
    head, _, body = recorder.raw[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert (lines[0], body) == ("POST /v1/../x?a=1 HTTP/1.1", b'{"a":1}\n')
    assert {f"{name}: {value}" for name, value in headers} <= {line.rstrip() or line for line in lines} | {"X-Empty: "}


def test_what_it_says(make_call):
    """A second field with the key cannot be sent, nor one with a backslash that would vanish; both are named."""
    headers = (
        ("Authorization", "Bearer CANARY-key1"), ("X-Api-Key", "CANARY-key1"), ("Cookie", "s=CANARY-cookie"),
        ("X-Path", "C\\:d"),
    )  # fmt: skip
    command = httpie_command(plain_request(make_call("GET", "/x", headers), key_variable="K"))
    assert "X-Path" in command
    assert "C\\:d" not in command
    assert "CANARY" not in command
    assert "X-Api-Key" in command
    assert "Cookie" in command
    assert "@request-body" in httpie_command(plain_request(make_call(), key_variable=None, body_kept=False))
