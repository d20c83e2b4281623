"""A real answer and a pasted text give the rules the same look."""

from __future__ import annotations

import pytest

from daemon.explain.view import look
from daemon.model import Failure

BODY = b'{"error":{"message":"Too much of it","type":"tokens","code":"rate_limit_exceeded"}}'


def test_an_answer() -> None:
    """Status, headers and fields come from the answer; words are the values only."""
    view = look(Failure(status=429, headers=(("Retry-After", "3"),), body=BODY))
    assert view.status == 429
    assert view.headers["retry-after"] == "3"
    assert view.fields["code"] == ("rate_limit_exceeded",)
    assert view.original == "Too much of it"
    assert not view.pasted


def test_a_pasted_exception_looks_the_same() -> None:
    """The same error as an exception's text has the same status, fields and sentence."""
    view = look(
        Failure(
            text="Error code: 429 - {'error': {'message': 'Too much of it', 'type': 'tokens', "
            "'code': 'rate_limit_exceeded'}}"
        )
    )
    assert view.status == 429
    assert "rate_limit_exceeded" in view.fields["code"]
    assert view.original == "Too much of it"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\n\r\n{}", 429),
        ("X error: ((HTTP/2 402) money) no", 402),
        ("429 Rate limited", 429),
        ("Request failed with status code 503", 503),
        ("[429 Too Many Requests] no", 429),
        ("Server responded with 400: status 429", 429),
        ("Limit 500, Used 429 tokens", None),
        ("LimitError: Response 429: <html>", 429),
        ("the gateway answered with 503", 503),
        ("a response 512 tokens long", None),
        ("nothing", None),
    ],
)
def test_the_status_in_a_text(text: str, status: int | None) -> None:
    """The status is found in dumps and messages; other numbers are not taken for one."""
    assert look(Failure(text=text)).status == status


def test_headers_in_a_dump() -> None:
    """What `curl -i` prints above the body counts as headers."""
    view = look(
        Failure(text='HTTP/1.1 429 Too Many Requests\nretry-after: 7\nx-ratelimit-remaining-tokens: 0\n\n{"error":"x"}')
    )
    assert view.headers == {"retry-after": "7", "x-ratelimit-remaining-tokens": "0"}


def test_a_page() -> None:
    """Of a web page only the visible words are left."""
    view = look(
        Failure(
            status=403,
            body=b"<html><head><style>x{}</style><title>Blocked</title></head><body>Go &amp; away</body></html>",
        )
    )
    assert view.html
    assert view.line == "Blocked Go & away"


def test_the_reason_phrase_says_nothing() -> None:
    """`429 Too Many Requests` in a status line is the number, not the API's words."""
    assert "requests" not in look(Failure(text="HTTP/1.1 429 Too Many Requests")).low
    assert "requests" not in look(Failure(text='{"code":429,"status":"Too Many Requests"}')).low


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"null", b"[]", b'"text"', b"{}", b"1", b"{" * 1000])
def test_odd_bodies(body: bytes) -> None:
    """Anything may come over a wire."""
    assert look(Failure(status=500, body=body)).status == 500


def test_names_and_values_broken_by_a_wrap() -> None:
    """A terminal breaks inside of names and values; the other reading joins them."""
    view = look(Failure(text='API Error: 429 {"error":{"ty\n  pe":"exceeded_cur\n  rent_quota_error"}}'))
    assert "exceeded_current_quota_error" in view.fields["type"]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("handler.go:515: upstream said (status 402): no", 402),
        ("2031-01-01 server.py:429 - INFO done", None),
        ("router.py:503 failed, Error code: 400 - no", 400),
        ("the request ended with a 403 error", 403),
        ("[provider.api_error] 403 only for some", 403),
    ],
)
def test_a_line_of_a_program_is_no_status(text: str, status: int | None) -> None:
    """`router.py:503` is a place; what stands in words is the status."""
    assert look(Failure(text=text)).status == status


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '429 {"error":{"message":"Provider \\"a\\" is away. Retry."}} Retrying in 7 seconds',
            'Provider "a" is away. Retry.',
        ),
        ('403 The API is off. [reason: "SERVICE_DISABLED"]', '403 The API is off. [reason: "SERVICE_DISABLED"]'),
        ('Nothing left. [links { description: "Learn more" }]', 'Nothing left. [links { description: "Learn more" }]'),
        ("503 failure reason: delayed connect error: refused", "503 failure reason: delayed connect error: refused"),
        ("No (attempt 1/3). Last error: too many", "No (attempt 1/3). Last error: too many"),
        ('{"error":{"message":"Overloaded","type":"overloaded_error"}}', "Overloaded"),
    ],
)
def test_what_the_provider_said(text: str, said: str) -> None:
    """The innermost sentence, whole; a code, a link's description or a word cut off is none; what the client said of
    itself is not cut out of it."""
    assert look(Failure(text=text)).original == said


def test_a_code_is_better_than_nothing() -> None:
    """An answer that is only a code is quoted."""
    assert look(Failure(status=429, body=b'{"error":"RATE_LIMITED"}')).original == "RATE_LIMITED"


def test_a_page_without_more_than_its_status() -> None:
    """The bare page of a web server has its status in the title."""
    page = "<html>\n<head><title>429 Too Many Requests</title></head>\n<body><hr>nginx</body></html>"
    assert look(Failure(text=page)).status == 429
