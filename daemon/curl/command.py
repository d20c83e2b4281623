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
from urllib.parse import quote as urlquote
from urllib.parse import urlsplit

from daemon.curl.fields import Field, plain_fields, plain_target
from daemon.curl.shell import as_comment, octal, pastes, quote
from daemon.model import Call
from daemon.redact import scrub, scrub_bytes

MAX_INLINE: Final = 8192
"""Bytes of a body that may stand in the command itself."""

MAX_ESCAPES: Final = 40
"""Quotes and backslashes in a body that a person can still read in the command."""

BARE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that say nothing of an empty body. All others send `Content-Length: 0`, as aiohttp does (measured)."""

ANY_VARIABLE: Final = "API_KEY"
"""The variable in the command when nobody has said where the key is."""

_PLAIN_TARGET: Final = re.compile(r"/[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z{}|~^`]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
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
) -> str:
    """Return the command, with comment lines above it.

    KEY_VARIABLE names the environment variable with the key. BODY_FILE is where the body is kept, used when
    `needs_file` says so; BODY_KEPT false says that CALL.body is not the body that was sent, which is lost.
    VIA_SOCKET sends through the daemon instead of directly; PROXY and CA_FILE are those that the daemon used.
    """
    notes = comment.splitlines() if comment else []
    target, moved = plain_target(call, notes)
    fields = plain_fields(call, moved, notes)
    variable = _variable(key_variable, notes) if any(f.keyed for f in fields) else ANY_VARIABLE
    data = _data(call, body_file, body_kept, notes)
    address = _address(call, target, via_socket is None, notes)
    lines = [
        ["curl", "-q", "-sS", "--http1.1", "--globoff", "--path-as-is", *_route(via_socket, proxy, ca_file, notes)],
        [*_shape(call, fields, data)],
        *_header_lines(fields),
        *([data] if data else []),
        address,
    ]
    text = _stdin(fields, variable) + " \\\n  ".join(
        [" ".join([quote(word) for word in line]) for line in lines if line]
    )
    return "".join([f"# {as_comment(scrub(note, call.secrets()))}\n" for note in notes]) + text


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


def _variable(wanted: str | None, notes: list[str]) -> str:
    """The variable's name, and a note for the person who has to fill it."""
    if wanted and _VARIABLE.fullmatch(wanted):
        notes.append(f"The key is read from the environment variable {wanted}.")
        return wanted
    notes.append(
        f"Put your key into the environment variable {ANY_VARIABLE} first: Sluice does not know where you keep it."
    )
    return ANY_VARIABLE


def _data(call: Call, body_file: str | None, body_kept: bool, notes: list[str]) -> list[str]:
    """The words that send the body; empty for none."""
    if not body_kept:
        notes.append("The body of this call was not kept. Write it into the file request-body first.")
        return ["--data-binary", "@request-body"]
    if not call.body and call.method in BARE:
        return []
    if needs_file(call.body):
        if body_file is None:
            notes.append("The body is not safe to paste. Write it into the file request-body first.")
        return ["--data-binary", f"@{body_file or 'request-body'}"]
    body = scrub_bytes(call.body, call.secrets())
    if body != call.body:
        notes.append("A key stood in the body; it is taken out here, so this is not the same byte for byte.")
    return ["--data-raw", body.decode()]


def _route(via_socket: str | None, proxy: str | None, ca_file: str | None, notes: list[str]) -> list[str]:
    """Which way the request goes."""
    words = ["--unix-socket", via_socket] if via_socket else []
    if proxy and not via_socket:
        scheme, slashes, rest = proxy.rpartition("://")
        if "@" in rest:
            notes.append("The password of the proxy is left out: add it with --proxy-user.")
        words += ["--proxy", scheme + slashes + rest.rpartition("@")[2]]
    else:
        words += ["--noproxy", "*"]
    return [*words, "--cacert", ca_file] if ca_file and not via_socket else words


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


def _span(fields: list[Field]) -> tuple[int, int]:
    """First and last+1 of the fields that go by standard input; all between go with them, to keep the order."""
    hidden = [i for i, field in enumerate(fields) if field.hidden]
    return (hidden[0], hidden[-1] + 1) if hidden else (0, 0)


def _header_lines(fields: list[Field]) -> list[list[str]]:
    first, end = _span(fields)
    lines = [["-H", field.argument] for field in fields]
    return [*lines[:first], *([["-H", "@-"]] if end else []), *lines[end:]]


def _stdin(fields: list[Field], variable: str) -> str:
    """`printf '…' "$KEY" | `, which writes the hidden fields."""
    first, end = _span(fields)
    if not end:
        return ""
    form = "".join([_format(field) + r"\n" for field in fields[first:end]])
    return f"printf '{form}'" + f' "${variable}"' * sum(f.keyed for f in fields[first:end]) + " | "


def _format(field: Field) -> str:
    """FIELD as part of the format; the key goes where `%s` is."""
    if not field.keyed:
        return octal(field.argument)
    return octal(f"{field.name}: {field.before}") + "%s" + octal(field.after)


def _address(call: Call, target: str, direct: bool, notes: list[str]) -> list[str]:
    """The URL; an odd target goes by `--request-target`, which curl does not parse."""
    base = call.origin.url if direct else f"http://{call.origin.host}"
    clean = scrub(target, call.secrets())
    if not clean.isprintable():
        clean = "".join([c if c.isprintable() else urlquote(c, errors="surrogateescape") for c in clean])
    if clean != target:
        notes.append("The address held a key, or bytes that are not text: these are replaced here.")
        target = clean
    if _PLAIN_TARGET.fullmatch(target):
        return [base + target]
    return ["--request-target", urlsplit(base).path + target, base]
