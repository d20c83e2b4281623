"""One entry for all forms."""

from __future__ import annotations

import json
import re

import pytest

from daemon.cli import commands
from daemon.curl.forms import FORMATS, SHELLS, call_as
from daemon.errors import InvalidCall
from daemon.phrases import phrase, texts

FORMS = [*((form, "posix") for form in FORMATS), ("curl", "powershell"), ("curl", "cmd")]


@pytest.mark.parametrize(("form", "shell"), FORMS)
def test_no_form_shows_a_secret(form, shell, make_call):
    """Each form names the variable of the key and what is left out, and has no secret in it."""
    key = "CANARY-abcdef123456"
    headers = (("Authorization", f"Bearer {key}"), ("Cookie", "s=CANARY-cookie"), ("x-my-token", "CANARY-other"))
    call = make_call("POST", f"/v1/{key}?sig=CANARY-sig", headers, f'{{"a":"{key}"}}'.encode())
    text = call_as(call, form, shell, key_variable="OPENAI_API_KEY", comment="call 1")
    assert "CANARY" not in text
    for named in ("Cookie", "x-my-token", "sig", "OPENAI_API_KEY", "call 1"):
        assert named in text, named


@pytest.mark.parametrize(("form", "shell"), FORMS)
def test_no_form_shows_a_value_that_was_not_kept(form, shell, make_call):
    """Each form names the field and what to put where, or what is left out, and asks for no other key."""
    headers = (("X-Pass", "CANARY-1"), ("X-Session", "CANARY-2"), ("Content-Type", "application/json"))
    text = call_as(make_call("POST", "/v1/x", headers, b"{}").shown(), form, shell, key_variable="OPENAI_API_KEY")
    assert "CANARY" not in text
    for named in ("X-Pass", "X-Session", "HEADER_X_PASS", "HEADER_X_SESSION"):
        assert named in text, named
    assert "OPENAI_API_KEY" not in text


@pytest.mark.parametrize(("form", "shell"), FORMS)
def test_aws_is_said_in_each_form(form, shell, make_call):
    """A signature cannot be repeated: each form says so, and has none."""
    headers = (("Authorization", "AWS4-HMAC-SHA256 Credential=CANARY"), ("X-Amz-Date", "20260101T000000Z"))
    text = call_as(make_call("POST", "/model/m/invoke", headers, b"{}"), form, shell, key_variable="K")
    assert "aws-sigv4" in text
    assert "CANARY" not in text


NOTE = re.compile(r"(?m)^(?:#|;;|rem) (.*)\n")
SAID = re.compile(r"sys\.exit\(.*|throw '.*|\(user-error .*|\"comment\": .*")


@pytest.mark.parametrize(("form", "shell"), FORMS)
@pytest.mark.parametrize(("language", "script"), [("ko", "[\uac00-\ud7a3]"), ("zh", "[\u4e00-\u9fff]")])
def test_notes_in_the_readers_language(form, shell, language, script, make_call):
    """Each comment line is told, and what a script says without a key; all that is sent stays as it was."""
    headers = (("Authorization", "Bearer CANARY-1"), ("Cookie", "s=CANARY-2"), ("X-Odd", "a\\=b\udcff"))
    call = make_call("POST", "/v1/chat?sig=CANARY-3", headers, b"\0" * 70_000)
    seen = phrase("note.showed", seen=phrase("note.no_answer"))
    given = {"key_variable": "THE_KEY", "comment": seen}
    told, english = (call_as(call, form, shell, **given, language=one) for one in (language, "en"))
    notes = json.loads(told)["log"]["entries"][0]["comment"].splitlines() if form == "har" else NOTE.findall(told)
    assert len(notes) >= 3
    assert [note for note in notes if not re.search(script, note)] == []
    assert [note for note in notes if re.search(r"\b(the|is|first|not|was|out|from)\b", note)] == []
    assert SAID.sub("", NOTE.sub("", told)) == SAID.sub("", NOTE.sub("", english))
    assert told != english


@pytest.mark.parametrize("language", ["ko", "zh"])
def test_no_mark_of_a_note_is_lost(language):
    """A comment keeps only harmless signs: words that need brackets or quotes would be read without them. What
    PowerShell says stands in its own quotes."""
    sections = ("note", "left", "script")
    words = {name: text for name, text in texts(language).items() if name.split(".")[0] in sections}
    assert [name for name, text in words.items() if re.search("[()\"'`;!?<>*]", text)] == []
    assert not re.search("['\u2018\u2019]", texts(language)["script.put_key"])


@pytest.mark.parametrize("form", ["curl", "python", "elisp"])
def test_through_the_daemon(form, make_call):
    """These can reach a socket."""
    assert "/run/s" in call_as(make_call(), form, key_variable=None, via_socket="/run/s")


@pytest.mark.parametrize(
    ("form", "shell", "through"),
    [
        ("perl", "posix", False),
        ("curl", "csh", False),
        ("har", "cmd", False),
        ("har", "posix", True),
        ("httpie", "posix", True),
        ("curl", "cmd", True),
    ],
)
def test_what_there_is_not(form, shell, through, make_call):
    """It is refused, with what there is."""
    with pytest.raises(InvalidCall, match=r"there are|leave|direct"):
        call_as(make_call(), form, shell, key_variable=None, via_socket="/run/s" if through else None)


def test_the_command_line_offers_these():
    """`--format` and `--shell` know the same names."""
    assert (commands.FORMATS, commands.SHELLS) == (FORMATS, SHELLS)
