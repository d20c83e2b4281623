"""PowerShell cannot be run here: its rules for here-strings are applied on paper, and a real curl reads the rest."""

from __future__ import annotations

import base64
import re

from hypothesis import HealthCheck, given, settings

from curl.hostile import KEY, REQUESTS
from curl.test_curlrc import run
from daemon.curl.powershell import powershell_command
from daemon.curl.request import plain_request

ALLOWED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_HERE = re.compile(r"@'\n(.*?)\n'@", re.DOTALL)
"""A here-string begins behind `@'` at the end of a line, and ends at the first line that begins with `'@`."""


def read(text: str, key: str, folder) -> list[str]:
    """What PowerShell would give to curl, by its rules, with the body written into FOLDER."""
    here = _HERE.findall(text)
    options, tail = here[-1], text[text.rindex("\n'@") :]
    if len(here) == 2:
        (folder / "sent").write_bytes(base64.b64decode(here[0]))
    swaps = re.findall(r"\.Replace\('([^']*)', \$(\w+)\)", tail)
    values = {"key": key.replace("\\", "\\\\").replace('"', '\\"'), "body": "sent"}
    for mark, name in swaps:
        options = options.replace(mark, values[name])
    return options.split("\n")


@given(request=REQUESTS)
@ALLOWED
def test_hostile_requests_arrive_byte_for_byte(request, recorder, make_call, expected, tmp_path):
    """Read by the rules of here-strings, the command sends what the daemon sent; the key is not in it."""
    recorder.raw.clear()
    method, target, headers, body = request
    call = make_call(method, target, headers, body, url=recorder.url)
    text = powershell_command(plain_request(call, key_variable="THE_KEY"))
    assert "CANARY" not in text
    run(read(text, KEY, tmp_path), tmp_path)
    assert recorder.raw == [expected(recorder.url, *request)]


def test_what_the_rules_need(make_call):
    """No line of a here-string begins with its end, no argument has a quote, and it says that it is untested."""
    headers = (("Authorization", "Bearer CANARY-k"), ("X-Raw", "caf\udce9"), ("Cookie", "s=CANARY-c"))
    call = make_call(headers=headers, body=b"'@\n'@.Replace(\n{{key}}")
    text = powershell_command(plain_request(call, key_variable="THE_KEY"))
    assert "not tested on Windows" in text
    assert "curl.exe -q -K -\n" in text
    assert len(re.findall(r"(?m)^'@", text)) == 1
    assert "{{{key}}}" in text
    assert "if (-not $env:THE_KEY) { throw" in text
    assert re.search(r"(?m)^# .*X-Raw", text)
    assert re.search(r"(?m)^# .*Cookie", text)
    assert "CANARY" not in text


def test_without_a_key_and_with_a_lost_body(make_call):
    """Nothing asks for a key then; the body is the file that the person writes."""
    text = powershell_command(plain_request(make_call(), key_variable=None, body_kept=False))
    assert "$env:" not in text
    assert 'data-binary = "@request-body"' in text
