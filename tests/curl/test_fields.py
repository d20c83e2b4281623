"""Which header holds the key, and what is left out."""

from daemon.curl.fields import plain_fields, plain_target
from daemon.redact import Sealed, Secret


def test_the_providers_own_key_header_wins(make_call):
    """Anthropic's x-api-key is the key even if an Authorization of another value stands before it."""
    headers = (("Authorization", "Bearer CANARY-one"), ("x-api-key", "CANARY-two"))
    notes: list[str] = []
    fields = plain_fields(make_call(headers=headers, provider="anthropic"), False, notes)
    assert [(f.name, f.keyed) for f in fields] == [("x-api-key", True)]
    assert "Authorization" in notes[0]


def test_the_same_key_twice_is_filled_twice(make_call):
    """One variable serves every header with the same secret."""
    headers = (("Authorization", "Bearer CANARY-one"), ("X-B", "1"), ("x-api-key", "CANARY-one"))
    notes: list[str] = []
    fields = plain_fields(make_call(headers=headers), False, notes)
    assert [(f.name, f.before, f.keyed) for f in fields] == [
        ("Authorization", "Bearer ", True),
        ("X-B", "1", False),
        ("x-api-key", "", True),
    ]
    assert notes == []


def test_works_without_the_keys_value(make_call):
    """From the journal a secret has only its name, and names tell keys apart."""
    from dataclasses import replace

    headers = (("authorization", Sealed("Bearer ", Secret("", "key:a"))), ("x-token", Sealed(Secret("", "key:b"))))
    notes: list[str] = []
    fields = plain_fields(replace(make_call(), headers=headers), False, notes)
    assert [f.name for f in fields] == ["authorization"]
    assert "x-token" in notes[0]


def test_headers_that_no_line_can_hold_are_named(make_call):
    """A line end or a lone surrogate in a value leaves the header out instead of breaking the command."""
    notes: list[str] = []
    fields = plain_fields(make_call(headers=(("X-A", "a\r\nEvil: 1"), ("X-B", "\ud800"), ("X-C", "c"))), False, notes)
    assert [f.name for f in fields] == ["X-C"]
    assert "X-A, X-B" in notes[0]


def test_target_without_secrets_is_untouched(make_call):
    """A target comes through byte for byte, paging tokens too."""
    notes: list[str] = []
    assert plain_target(make_call(target="/v1/x?pageToken=abc&&a=%20"), notes) == ("/v1/x?pageToken=abc&&a=%20", False)
    assert notes == []


def test_only_a_secret_query_leaves_no_question_mark(make_call):
    """With nothing else in the query the `?` goes as well."""
    assert plain_target(make_call(target="/v1/models?key=CANARY-k", provider="gemini"), []) == ("/v1/models", True)


def test_a_value_that_was_not_kept_has_a_variable_of_its_own(make_call):
    """It is no key and is not left out: each such field names its variable, and a note says what to fill in."""
    headers = (
        ("X-Pass", "a"),
        ("x-pass", "bb"),
        ("Authorization", "Bearer CANARY-k"),
        ("X.Pass", "c"),
        ("Accept", "d"),
    )
    notes: list[str] = []
    fields = plain_fields(make_call(headers=headers).shown(), False, notes)
    assert [(f.name, f.before, f.keyed, f.own) for f in fields] == [
        ("X-Pass", "", False, "HEADER_X_PASS"),
        ("x-pass", "", False, "HEADER_X_PASS_2"),
        ("Authorization", "Bearer ", True, None),
        ("X.Pass", "", False, "HEADER_X_PASS_3"),
        ("Accept", "d", False, None),
    ]
    assert [note.split()[-2] for note in notes] == ["HEADER_X_PASS", "HEADER_X_PASS_2", "HEADER_X_PASS_3"]
    assert "2 characters" in notes[1]
