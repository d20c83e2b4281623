"""The call as a Python script with the standard library alone, to be changed and run: `http.client` adds no fields."""

from __future__ import annotations

from urllib.parse import quote as urlquote

from daemon.curl.command import needs_file
from daemon.curl.fields import Field
from daemon.curl.request import LOST_BODY, Plain
from daemon.phrases import phrase

_VALUE = """\
{0} = os.environ.get({1!r}, '').encode()
if not {0}:
    sys.exit({2!r})
"""
_DIRECT = "connection = http.client.{kind}({host!r}, timeout=600)\n"
_SOCKET = """\
connection = http.client.HTTPConnection({host!r}, timeout=600)
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect({path!r})
"""
_SEND = """\
connection.putrequest({method!r}, {path!r}, skip_host=True, skip_accept_encoding=True)
for name, value in HEADERS:
    connection.putheader(name, value)
connection.endheaders({body})
answer = connection.getresponse()
print(answer.status, answer.reason, file=sys.stderr)
"""
_SHOW = "sys.stdout.buffer.write({})\n"
_STREAM = """\
while piece := answer.read1(65536):
    sys.stdout.buffer.write(piece)
    sys.stdout.flush()
"""


def python_script(plain: Plain, *, via_socket: str | None = None) -> str:
    """The script. Give it to `python3 -`, or keep it in a file."""
    path = plain.path
    if not path.isascii():
        path = urlquote(path, safe="!$%&'()*+,/:;=?@[]{}|~^`\\\"<>#-._")
        plain.notes.append(phrase("script.percent"))
    if plain.proxy or plain.ca_file:
        plain.notes.append(phrase("script.direct"))
    body = _body(plain)
    packed = any(one.name.lower() == "accept-encoding" and "gzip" in one.before for one in plain.fields)
    unpacked = "gzip.decompress(answer.read()) if answer.getheader('Content-Encoding') == 'gzip' else answer.read()"
    show = _STREAM if plain.call.stream and not packed else _SHOW.format(unpacked if packed else "answer.read()")
    values = [_VALUE.format("KEY", plain.variable, plain.put_key())] if plain.variable else []
    values += [_VALUE.format(one.own, one.own, plain.put_value(one)) for one in plain.owns]
    modules = ["http.client", "sys", *(["gzip"] if packed else []), *(["os"] if values else [])]
    modules += [*(["pathlib"] if body and body.startswith("pathlib") else []), *(["socket"] if via_socket else [])]
    return "".join(
        [
            plain.comments("#"),
            *[f"import {module}\n" for module in sorted(modules)],
            "\n",
            *values,
            f"BODY = {body}\n" if body else "",
            _headers(plain, sized=body is not None),
            _opened(plain, via_socket),
            _SEND.format(method=plain.method, path=path, body="BODY" if body else ""),
            show,
            "connection.close()",
        ]
    )


def _opened(plain: Plain, via_socket: str | None) -> str:
    """The lines that make the connection."""
    if via_socket:
        return _SOCKET.format(host=plain.host, path=via_socket)
    kind = "HTTPSConnection" if plain.base.startswith("https:") else "HTTPConnection"
    return _DIRECT.format(kind=kind, host=plain.host)


def _body(plain: Plain) -> str | None:
    """The expression for the body: in the script where a person can read it, else from its file."""
    if not plain.has_body and not plain.lost:
        return None
    if plain.lost or (needs_file(plain.body) and plain.body_file):
        return f"pathlib.Path({plain.body_file or LOST_BODY!r}).read_bytes()"
    try:
        text = plain.body.decode()
    except UnicodeDecodeError:
        return repr(plain.body)
    return f"{text!r}.encode()"


def _headers(plain: Plain, *, sized: bool) -> str:
    """The header fields as a list; Host and Content-Length stand where the daemon has them, first and last."""
    rows = [f"    ('Host', {plain.host!r}),", *[f"    {_pair(one)}," for one in plain.fields]]
    if sized:
        rows.append("    ('Content-Length', str(len(BODY))),")
    return "\n".join(["HEADERS = [", *rows, "]", ""])


def _pair(one: Field) -> str:
    if one.own is not None:
        return f"({one.name!r}, {one.own})"
    if one.keyed:
        return f"({one.name!r}, {_bytes(one.before)} + KEY + {_bytes(one.after)})".replace(" + b''", "")
    return f"({one.name!r}, {one.before!r})" if one.before.isascii() else f"({one.name!r}, {_bytes(one.before)})"


def _bytes(text: str) -> str:
    return repr(text.encode("utf-8", "surrogateescape"))
