"""cmd.exe cannot be run here: no character of a line has a meaning there, and a real curl reads the rest."""

from __future__ import annotations

import base64
import re

from hypothesis import HealthCheck, given, settings

from curl.hostile import KEY, REQUESTS
from curl.test_curlrc import run
from daemon.curl.cmd import cmd_command
from daemon.curl.curlrc import curl_string
from daemon.curl.request import plain_request

ALLOWED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_LINE = re.compile(
    r'rem [^&|<>^"%!]*'
    r'|>>?"%TEMP%\\sluice-(?:options|body)\.b64" echo [A-Za-z0-9+/=]+'
    r'|certutil -f -decode "%TEMP%\\sluice-(\w+)\.b64" "%TEMP%\\sluice-\1\.txt" >nul'
    r'|curl\.exe -q -K "%TEMP%\\sluice-options\.txt"(?: --data-binary "@%TEMP%\\sluice-body\.txt")?'
    r'|del "%TEMP%\\sluice-options\.\*"(?: "%TEMP%\\sluice-body\.\*")?'
)
"""All that may stand in a line; what follows `echo` has no character that cmd reads."""


def file(text: str, name: str) -> bytes | None:
    """The file NAME as the lines write it."""
    parts = re.findall(rf'sluice-{name}\.b64" echo (\S+)', text)
    return base64.b64decode("".join(parts)) if parts else None


@given(request=REQUESTS)
@ALLOWED
def test_hostile_requests_arrive_byte_for_byte(request, recorder, make_call, expected, tmp_path):
    """No character of a call reaches cmd; what the lines write sends what the daemon sent.

    This curl may be older than `variable`, so the test puts the key in, as curl 8.3 would.
    """
    recorder.raw.clear()
    method, target, headers, body = request
    call = make_call(method, target, headers, body, url=recorder.url)
    text = cmd_command(plain_request(call, key_variable="THE_KEY"))
    assert all(_LINE.fullmatch(line) for line in text.split("\n")), text
    options = (file(text, "options") or b"").decode("utf-8", "surrogateescape")
    assert "CANARY" not in options
    lines = options.split("\n")
    assert text.split("\n")[-1].startswith("del "), "the prompt would stay in a file"
    assert lines[0] == 'variable = "%THE_KEY"'
    lines = [
        line.replace("expand-header", "header").replace("{{THE_KEY}}", curl_string(KEY)[1:-1])
        if line.startswith("expand-header")
        else line
        for line in lines[1:]
    ]
    sent = file(text, "body")
    if sent is not None:
        (tmp_path / "sent").write_bytes(sent)
        lines.append('data-binary = "@sent"')
    run(lines, tmp_path)
    assert recorder.raw == [expected(recorder.url, *request)]


def test_what_it_says(make_call):
    """It says that it is not tested, what it sends and what is left out; no percent sign is in a remark."""
    call = make_call("GET", "/v1/%41?x=&y", (("Cookie", "s=CANARY-c"),))
    text = cmd_command(plain_request(call, key_variable=None))
    assert "rem This form is not tested on Windows." in text
    assert "rem It sends: GET https" in text
    assert "Cookie" in text
    assert "variable" not in (file(text, "options") or b"").decode()
    assert all(_LINE.fullmatch(line) for line in text.split("\n")), text


def test_a_lost_body_is_asked_for(make_call):
    """It is read from the file that the person writes."""
    text = cmd_command(plain_request(make_call(), key_variable=None, body_kept=False))
    assert b'data-binary = "@request-body"' in (file(text, "options") or b"")
    assert "request-body" in text
