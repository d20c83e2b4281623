"""The header fields of a request: what goes on, who asks, and that the same fields are read once."""

from __future__ import annotations

import pytest

from daemon.gateway.fields import FieldsReader, client_of, forwardable, readable_encodings, signer
from daemon.model import Headers
from daemon.redact import Redactor
from gateway.scripted import KEY

HEADERS: Headers = (
    ("Host", "api.openai.com"),
    ("Authorization", f"Bearer {KEY}"),
    ("Content-Type", "application/json"),
    ("User-Agent", "emacs/30"),
)


def sized(size: int, headers: Headers = HEADERS) -> Headers:
    """HEADERS of a request of SIZE bytes."""
    return (*headers, ("Content-Length", str(size)))


def test_what_is_forwarded() -> None:
    """Order, case and duplicates stay; hop-by-hop fields, what is made anew, and ours go."""
    headers: Headers = (
        ("Host", "h"),
        ("x-b", "1"),
        ("Connection", "close"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authorization", "Basic x"),
        ("Proxy-Connection", "close"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("Expect", "100-continue"),
        ("Content-Length", "3"),
        ("X-Sluice-Client", "emacs"),
        ("x-sluice-anything", "1"),
        ("X-A", "2"),
        ("x-b", "3"),
        ("Accept-Encoding", "gzip, br"),
    )
    assert list(forwardable(headers)) == [("x-b", "1"), ("X-A", "2"), ("x-b", "3"), ("Accept-Encoding", "gzip")]


@pytest.mark.parametrize(
    ("offer", "rest"),
    [
        ("deflate, gzip, br, zstd", "deflate, gzip"),
        ("gzip;q=0.5,br;q=1", "gzip;q=0.5"),
        ("br", ""),
        ("*", ""),
        ("identity", "identity"),
        ("GZIP", "GZIP"),
        ("", ""),
    ],
)
def test_readable_encodings(offer: str, rest: str) -> None:
    """What we could not read is not asked for; an empty offer is left out."""
    assert readable_encodings(offer) == rest
    assert dict(forwardable((("Accept-Encoding", offer),))) == ({"Accept-Encoding": rest} if rest else {})


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        ("OpenAI/Python 1.2", "OpenAI"),
        ("curl/8.0", "curl"),
        ("gptel", "gptel"),
        ("Mozilla (X11)", "Mozilla"),
        ("", "-"),
        ("x" * 90, "x" * 40),
    ],
)
def test_clients(agent: str, client: str) -> None:
    """A client that does not say its name is called by its User-Agent."""
    assert client_of((("user-agent", agent),)) == client
    assert client_of(()) == "-"


def test_what_is_read() -> None:
    """The fields that go on, sealed; the keys in them; who asks, and what is sent."""
    fields = FieldsReader(Redactor(b"test")).read(sized(5))
    assert [name for name, _ in fields.sealed] == ["Authorization", "Content-Type", "User-Agent"]
    assert [secret.name for secret in fields.secrets] == list(fields.credentials)
    assert (fields.client, fields.content_type) == ("emacs", "application/json")
    assert KEY not in repr(fields)


@pytest.mark.parametrize(
    ("value", "who"),
    [
        ("AWS4-HMAC-SHA256 Credential=AKID/2026/us/x/aws4_request, SignedHeaders=host, Signature=ab", "AKID"),
        ("hmac-sha256  credential=AKID,signedheaders=host,signature=ab", "AKID"),
        ("bce-auth-v1/AKID/2026-11-01T00:00:00Z/1800/host/ab", "AKID"),
        ("AWS4-HMAC-SHA256 Credential=AKID/2026/us/x/aws4_request", None),
        ("AWS4-HMAC-SHA256 Credential=, Signature=ab", None),
        ("Bearer bce-auth-v1/x", None),
        (f"Bearer {KEY}", None),
        ("", None),
    ],
)
def test_who_signs(value: str, who: str | None) -> None:
    """The id of the key in a signature; whatever is no whole signature stays as it is."""
    assert signer(value) == (value if who is None else who)


def test_the_same_fields_are_read_once() -> None:
    """A call that differs from the last one in its length alone has the very same fields; with another key it has its
    own."""
    reader = FieldsReader(Redactor(b"test"))
    first = reader.read(sized(5))
    assert reader.read(sized(6)) is first
    assert reader.read((("content-length", "7"), *HEADERS)) is first
    other = reader.read(sized(5, (*HEADERS[:1], ("Authorization", f"Bearer {KEY}2"), *HEADERS[2:])))
    assert other.credentials != first.credentials
    assert reader.read(sized(5)) is first


def test_what_is_remembered_has_bounds() -> None:
    """Fields that are others with each call do not fill the memory, nor do long ones."""
    reader = FieldsReader(Redactor(b"test"))
    for number in range(500):
        reader.read((*HEADERS, ("X-Request-Id", str(number))))
        assert len(reader._known) <= 64
    long = (*HEADERS, ("Cookie", "a" * 5000))
    assert reader.read(long) is not reader.read(long)


def test_what_is_said_to_us_makes_no_other_client() -> None:
    """Who sends each call with an id and a name of its own is read once all the same."""
    reader = FieldsReader(Redactor(b"test"))
    base = (("Authorization", "Bearer CANARY-0123456789"), ("User-Agent", "gptel/1"))
    first = reader.read((*base, ("X-Sluice-Request", "1"), ("Content-Length", "9")))
    assert reader.read((*base, ("x-sluice-request", "2"), ("content-length", "10"))) is first
    assert reader.read((*base, ("X-Other", "2"))) is not first
