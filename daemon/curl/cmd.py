"""The curl command for cmd.exe, with the curl.exe of Windows (8.3 or newer) and certutil, which Windows has.

At that prompt a percent sign cannot be quoted, and carets and quotes are read twice in a pipe. So nothing of the call
is quoted at all: options and body go as base64 into files, of whose characters none has a meaning there. The key is
in neither: curl takes it from the environment itself (`variable` and `expand-header`).
"""

from __future__ import annotations

from daemon.curl.curlrc import carried, curl_string, curlrc, in_lines, is_outside
from daemon.curl.fields import Field
from daemon.curl.request import LOST_BODY, Plain
from daemon.phrases import phrase

_FOLDER = "%TEMP%\\sluice-"


def cmd_command(plain: Plain) -> str:
    """The lines to paste, with comment lines above them."""
    parts = carried(plain)
    body = None if not is_outside(plain) else "" if parts else "@" + LOST_BODY
    config = "\n".join(
        [*_variable(plain), *curlrc(plain, lambda one: _filled(one, one.own or plain.variable), body), ""]
    )
    plain.notes.append(phrase("script.sends", what=f"{plain.method} {plain.url}"))
    steps = _written("options", in_lines(config.encode("utf-8", "surrogateescape")))
    data = ""
    if parts:
        steps += _written("body", parts)
        data = f' --data-binary "@{_FOLDER}body.txt"'
    send = f'curl.exe -q -K "{_FOLDER}options.txt"{data}'
    leave = f'del "{_FOLDER}options.*"' + (f' "{_FOLDER}body.*"' if parts else "")
    remarks = plain.comments("rem", phrase("script.cmd")).replace("%", "")
    return remarks + "\n".join([*steps, send, leave])


def _variable(plain: Plain) -> list[str]:
    """The lines with which curl takes the key out of the environment, and fails when it is not there."""
    names = [*([plain.variable] if plain.variable else []), *[one.own or "" for one in plain.owns]]
    return [f"variable = {curl_string('%' + name)}" for name in names]


def _filled(one: Field, variable: str | None) -> str:
    before, after = (text.replace("{{", "\\{{") for text in (one.before, one.after))
    return "expand-header = " + curl_string(f"{one.name}: {before}{{{{{variable}}}}}{after}")


def _written(name: str, parts: list[str]) -> list[str]:
    """The lines that write a file from base64: line by line, since a longer one is cut at 8,191 characters."""
    file = f"{_FOLDER}{name}"
    lines = [f'{">>" if i else ">"}"{file}.b64" echo {part}' for i, part in enumerate(parts)]
    return [*lines, f'certutil -f -decode "{file}.b64" "{file}.txt" >nul']
