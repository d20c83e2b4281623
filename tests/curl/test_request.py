"""A call taken apart: what each form builds on."""

from __future__ import annotations

import base64
import gzip

import pytest

from daemon.curl import call_as
from daemon.curl.request import plain_request

KEY = "CANARY-abcdef123456"


def test_the_parts(make_call):
    """Address, path, host and the place of the key, without the key itself."""
    headers = (("Authorization", f"Bearer {KEY}"), ("X-A", "1"))
    plain = plain_request(make_call("POST", "/v1/x?a=1", headers, b"{}", url="https://r.example/p"), key_variable="K")
    assert (plain.method, plain.host, plain.path) == ("POST", "r.example", "/p/v1/x?a=1")
    assert plain.url == "https://r.example/p/v1/x?a=1"
    assert plain.variable == "K"
    assert plain.headers("me") == (("Authorization", "Bearer me"), ("X-A", "1"))
    assert KEY not in repr(plain)


def test_through_the_daemon_the_address_is_the_providers_over_http(make_call):
    """The prefix of a relay is the daemon's business then."""
    plain = plain_request(make_call("GET", "/v1/x", url="https://r.example/p"), key_variable=None, direct=False)
    assert plain.url == "http://r.example/v1/x"
    assert not plain.has_body


def test_notes_are_comments_without_keys(make_call):
    """What is left out is said; a key that stands elsewhere is taken out, with a note."""
    headers = (("Authorization", f"Bearer {KEY}"), ("Cookie", "s=CANARY-cookie"))
    call = make_call("POST", f"/v1/{KEY}", headers, KEY.encode())
    plain = plain_request(call, key_variable="not a name", comment=f"it was\n{KEY}")
    said = plain.comments("rem", "more")
    assert KEY not in said
    assert "Cookie" in said
    assert "API_KEY" in said
    assert said.count("rem ") == len(plain.notes) + 1
    assert KEY.encode() not in plain.body
    assert KEY not in plain.url


def test_a_lost_body_names_the_file_to_write(make_call):
    """The person has to bring it."""
    plain = plain_request(make_call("POST", "/", (), b""), key_variable=None, body_kept=False, body_file="x")
    assert plain.lost
    assert plain.body_file == "request-body"
    assert "request-body" in plain.comments("#")


def test_what_is_sent_of_values_that_were_not_kept(make_call):
    """Those that somebody knows by their variable; of the others it is said that they are left out."""
    call = make_call("GET", "/", (("X-Pass", "CANARY-1"), ("Accept", "a"), ("X-Sid", "CANARY-2"))).shown()
    plain = plain_request(call, key_variable=None)
    known = {"HEADER_X_SID": "told"}.get
    assert plain.headers("", known) == (("Accept", "a"), ("X-Sid", "told"))
    assert plain.headers("") == (("Accept", "a"),)
    assert [one.own for one in plain.owns] == ["HEADER_X_PASS", "HEADER_X_SID"]
    (said,) = plain.left_out(known)
    assert "HEADER_X_PASS" in said
    assert "CANARY" not in repr(plain)


FORMS = [(form, "posix") for form in ("curl", "httpie", "python", "har", "elisp")]


@pytest.mark.parametrize(("form", "shell"), [*FORMS, ("curl", "powershell"), ("curl", "cmd")])
@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_compressed_body_that_may_hold_a_key_is_in_no_form(make_call, form, shell, coding):
    """A call that still runs has its body in memory only. If that came compressed with a key in it, or in a coding that
    nobody knows here, each form names the file to write, and says why."""
    body = gzip.compress(f"pomegranate {KEY}".encode())
    call = make_call("POST", "/", (("Authorization", f"Bearer {KEY}"), ("Content-Encoding", coding)), body)
    plain = plain_request(call, key_variable="K")
    assert plain.lost
    assert any(f"compressed as {coding}" in note for note in plain.notes)
    text = call_as(call, form, shell, key_variable="K")
    for said in (base64.b64encode(body).decode()[:40], repr(body)[2:20], "pomegranate"):
        assert said not in text


def test_a_compressed_body_without_a_key_is_shown(make_call):
    """As any other that is no text."""
    call = make_call("POST", "/", (("Content-Encoding", "gzip"),), gzip.compress(b"a word"))
    plain = plain_request(call, key_variable=None, body_file="x")
    assert (plain.lost, plain.body_file, plain.notes) == (False, "x", [])
