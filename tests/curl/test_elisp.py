"""The form, evaluated by a real Emacs against a server that keeps raw bytes."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from curl.hostile import KEY, random_request
from daemon.curl.elisp import elisp_form, lisp_string
from daemon.curl.request import plain_request

COUNT = 40


def emacs(text: str, tmp_path, **variables: str) -> str:
    """Let a bare Emacs load TEXT in the C locale; return what it said."""
    for name in ("emacs", "curl"):
        if not shutil.which(name):
            pytest.skip(f"{name} is missing: apt install {name}")
    file = tmp_path / "forms.el"
    file.write_bytes(b";; -*- coding: utf-8 -*-\n" + text.encode("utf-8", "surrogateescape"))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C", "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        ["emacs", "-Q", "--batch", "-l", str(file)],
        env={**env, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return f"{done.stdout}{done.stderr}"


def arguments() -> list[bytes]:
    """What `ps` shows of each process."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            lines.append(entry.read_bytes())
    return lines


def waited(form: str) -> str:
    """FORM, and then a wait for its curl: in batch mode nobody else waits."""
    wait = "(while (process-live-p process) (accept-process-output process 5)) (setq said (process-buffer process))"
    assert form.endswith("(display-buffer (process-buffer process)))")
    return form.removesuffix("(display-buffer (process-buffer process)))") + wait + ")\n"


def test_a_curl_that_has_ended_already_is_no_fault(make_call, tmp_path):
    """Nothing goes to the standard input of a call without a key, so its curl may have ended before Emacs comes to the
    next line: the form goes on and shows what it said."""
    plain = plain_request(make_call("GET", "/v1/models", url="http://127.0.0.1:9"), key_variable=None)
    hurry = "(while (process-live-p made) (accept-process-output made 1))"
    late = f"(advice-add 'make-process :filter-return (lambda (made) {hurry} made))\n"
    said = emacs(late + elisp_form(plain) + '\n(message "went on")\n', tmp_path)
    assert "went on" in said, said


def test_hostile_requests_arrive_byte_for_byte(recorder, make_call, expected, tmp_path):
    """Seeded hostile requests, evaluated in one Emacs whose locale knows no UTF-8, arrive as the daemon sent them."""
    rng = random.Random("elisp-1")
    forms, wanted = [], []
    for number in range(COUNT):
        method, target, headers, body = random_request(rng, KEY)
        file = tmp_path / f"body \"'{number}"
        file.write_bytes(body)
        call = make_call(method, target, headers, body, url=recorder.url, stream=rng.random() < 0.5)
        plain = plain_request(call, key_variable="THE_KEY", body_file=str(file), comment="it's (odd) ; \" \\")
        forms.append(waited(elisp_form(plain)))
        wanted.append(expected(recorder.url, method, target, headers, body))
    text = "(defvar said nil)\n" + "\n".join(forms)
    assert "CANARY" not in text
    seen: list[bytes] = []
    recorder.on_request = lambda: seen.extend(arguments())
    said = emacs(text, tmp_path, THE_KEY=KEY)
    ours = [line for line in seen if recorder.url.encode() in line]
    assert ours
    assert not [line for line in ours if b"CANARY" in line], "the key is in ps"
    for got, want, form in zip(recorder.raw, wanted, forms, strict=False):
        assert got == want, form
    assert len(recorder.raw) == COUNT, said


def test_the_key_comes_from_auth_source_too(recorder, make_call, tmp_path):
    """gptel's entry in authinfo is enough; without any key Emacs says what is missing and sends nothing."""
    call = make_call("POST", "/v1/x", (("Authorization", "Bearer CANARY-key"),), b"{}", url=recorder.url)
    form = waited(elisp_form(plain_request(call, key_variable="THE_KEY")))
    assert "THE_KEY" in emacs("(defvar said nil)\n" + form, tmp_path)
    assert recorder.raw == []
    host = call.origin.host
    (tmp_path / ".authinfo").write_text(f'machine "{host}" login apikey password CANARY-auth\n')
    emacs('(defvar said nil)\n(setq auth-sources \'("~/.authinfo"))\n' + form, tmp_path)
    assert b"Authorization: Bearer CANARY-auth\r\n" in recorder.raw[0]


def test_through_the_socket_and_other_secrets(make_call):
    """Through the daemon it names the socket; cookies are left out, and said to be."""
    call = make_call("GET", "/v1/models", (("Cookie", "s=CANARY-cookie"),))
    form = elisp_form(plain_request(call, key_variable=None, direct=False), via_socket="/run/s")
    assert '"--unix-socket" "/run/s"' in form
    assert "CANARY" not in form
    assert "Cookie" in form
    assert "getenv" not in form


def test_strings():
    """What cannot be seen is written by its number; a byte that is no text stays that byte."""
    assert lisp_string('a"\\\n\t\x1b\u202e\udce9é') == '"a\\"\\\\\\n\\011\\033\\N{U+202E}\\351é"'
