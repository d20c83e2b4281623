"""The equivalent curl command of a call, pure: values in, text out.

Pasted in sh, bash, dash, zsh or fish it sends the same bytes as the daemon sent: `Host`, then the call's header
fields in order, then `Content-Length`. Each flag is there because bytes changed without it (measured with curl 7.88):

    -q             ~/.curlrc added a header (it must stand first)
    --globoff      `/a[1-3]` became three requests
    --path-as-is   `/v1/../b` became `/b`
    --noproxy '*'  `http_proxy` took the request
    -H Accept: -H User-Agent: -H Content-Type: -H Expect:   curl adds its own when the call has none
    -H 'X;'        an empty field vanishes when written `X:`
    --data-raw, --data-binary   `-d` eats line ends, and `@` at the start of a body would read a file

No key is in the text, nor in `ps` while it runs: curl reads the key's header field from its standard input, where
`printf`, a builtin of every one of these shells, puts it from the environment.
"""

from __future__ import annotations

import re
from typing import Final

from daemon.curl.fields import Field
from daemon.curl.request import ANY_VARIABLE, LOST_BODY, Plain, plain_request
from daemon.curl.shell import octal, pastes, quote
from daemon.model import Call
from daemon.phrases import phrase

MAX_INLINE: Final = 8192
"""Bytes of a body that may stand in the command itself."""

MAX_ESCAPES: Final = 40
"""Quotes and backslashes in a body that a person can still read in the command."""

_PLAIN_TARGET: Final = re.compile(r"/[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z{}|~^`]*")
_DEFAULTS: Final = ("Accept", "User-Agent", "Expect")


def curl_command(
    call: Call,
    *,
    key_variable: str | None,
    body_file: str | None = None,
    body_kept: bool = True,
    via_socket: str | None = None,
    proxy: str | None = None,
    ca_file: str | None = None,
    comment: str | None = None,
    body_in_file: bool = False,
    one_line: bool = False,
    language: str = "en",
) -> str:
    """Return the command, with comment lines above it.

    KEY_VARIABLE names the environment variable with the key. BODY_FILE is where the body is kept, used when
    `needs_file` or BODY_IN_FILE says so; BODY_KEPT false says that CALL.body is not the body that was sent, which is
    lost. ONE_LINE leaves out the line ends between the words, not those in a body. VIA_SOCKET sends through the daemon
    instead of directly; PROXY and CA_FILE are those that the daemon used.
    LANGUAGE is that of the comment lines.
    """
    plain = plain_request(
        call,
        key_variable=key_variable,
        body_file=body_file,
        body_kept=body_kept,
        direct=via_socket is None,
        comment=comment,
        language=language,
        proxy=proxy,
        ca_file=ca_file,
    )
    lines = curl_words(plain, via_socket=via_socket, body_in_file=body_in_file)
    words = (" " if one_line else " \\\n  ").join([" ".join([quote(word) for word in line]) for line in lines])
    return plain.comments("#") + _stdin(plain.fields, plain.variable or ANY_VARIABLE) + words


def curl_words(plain: Plain, *, via_socket: str | None = None, body_in_file: bool = False) -> list[list[str]]:
    """The words of the command, by lines and without any quoting; the key comes to it on standard input.

    PLAIN gets notes about what cannot be said in it.
    """
    data = _data(plain, body_in_file)
    lines = [
        ["curl", "-q", "-sS", "--http1.1", "--globoff", "--path-as-is"],
        _shape(plain.call, plain.fields, data),
        *_header_lines(plain.fields),
        data,
        _address(plain),
    ]
    lines[0] += _route(plain, via_socket)
    return [line for line in lines if line]


def needs_file(body: bytes) -> bool:
    """True if BODY cannot be pasted safely: long, not UTF-8, control characters, or a thicket of quotes.

    A TAB starts a completion, ESC and ^C are commands, NUL cannot be an argument, `~` at the start of a line is
    ssh's escape, and invisible characters do not survive copying.
    """
    if len(body) > MAX_INLINE or body.startswith(b"@"):
        return True
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError:
        return True
    if body.count(b"\\") + body.count(b"'") > MAX_ESCAPES or any(line.startswith("~") for line in lines):
        return True
    return not all(pastes(line) for line in lines)


def _data(plain: Plain, in_file: bool) -> list[str]:
    """The words that send the body; empty for none."""
    if plain.lost:
        return ["--data-binary", f"@{plain.body_file}"]
    if not plain.has_body:
        return []
    if plain.body and (in_file or needs_file(plain.call.body)):
        if plain.body_file is None:
            plain.notes.append(phrase("script.unsafe_body", file=LOST_BODY))
        return ["--data-binary", f"@{plain.body_file or LOST_BODY}"]
    return ["--data-raw", plain.body.decode()]


def _route(plain: Plain, via_socket: str | None) -> list[str]:
    """Which way the request goes."""
    words = ["--unix-socket", via_socket] if via_socket else []
    words += ["--proxy", plain.bare_proxy] if plain.bare_proxy else ["--noproxy", "*"]
    return [*words, "--cacert", plain.ca_file] if plain.ca_file else words


def _shape(call: Call, fields: list[Field], data: list[str]) -> list[str]:
    """Streaming, decoding, the method, and curl's own fields taken out."""
    present = {field.name.lower() for field in fields}
    words = ["-N"] if call.stream else []
    if any(f.name.lower() == "accept-encoding" and f.before not in ("", "identity") for f in fields):
        words.append("--compressed")  # the field goes out as given; this only decodes the answer
    # -X HEAD would wait for a body that never comes; but -I and a body exclude each other.
    words += ["-I"] if call.method == "HEAD" and not data else ["-X", call.method]
    for name in (*_DEFAULTS, *(["Content-Type"] if data else [])):
        if name.lower() not in present:
            words += ["-H", f"{name}:"]
    return words


def span(fields: list[Field]) -> tuple[int, int]:
    """First and last+1 of the fields that go by standard input; all between go with them, to keep the order."""
    hidden = [i for i, field in enumerate(fields) if field.hidden]
    return (hidden[0], hidden[-1] + 1) if hidden else (0, 0)


def _header_lines(fields: list[Field]) -> list[list[str]]:
    first, end = span(fields)
    lines = [["-H", field.argument] for field in fields]
    return [*lines[:first], *([["-H", "@-"]] if end else []), *lines[end:]]


def _stdin(fields: list[Field], variable: str) -> str:
    """`printf '…' "$KEY" | `, which writes the hidden fields."""
    first, end = span(fields)
    if not end:
        return ""
    form = "".join([_format(field) + r"\n" for field in fields[first:end]])
    values = [f' "${field.own or variable}"' for field in fields[first:end] if field.filled]
    return f"printf '{form}'" + "".join(values) + " | "


def _format(field: Field) -> str:
    """FIELD as part of the format; what comes from the environment goes where `%s` is."""
    if not field.filled:
        return octal(field.argument)
    return octal(f"{field.name}: {field.before}") + "%s" + octal(field.after)


def _address(plain: Plain) -> list[str]:
    """The URL; an odd target goes by `--request-target`, which curl does not parse."""
    if _PLAIN_TARGET.fullmatch(plain.target):
        return [plain.url]
    return ["--request-target", plain.path, plain.base]
