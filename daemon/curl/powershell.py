"""The curl command for PowerShell 5.1 and 7, with the curl.exe of Windows 10 and newer.

Arguments with quotes in them reach a program differently from version to version, so there are none: curl reads its
options from standard input. They stand in a here-string, where nothing has a meaning but `'@` at the start of a line.
"""

from __future__ import annotations

from daemon.curl.curlrc import carried, curl_string, curlrc, is_outside
from daemon.curl.fields import Field
from daemon.curl.request import LOST_BODY, Plain
from daemon.phrases import phrase

_VALUE = """\
  if (-not $env:{0}) {{ throw '{1}' }}
  ${2} = $env:{0}.Replace('\\', '\\\\').Replace('"', '\\"')
"""
_BODY = """\
  $body = (Join-Path ([IO.Path]::GetTempPath()) 'sluice-request-body').Replace('\\', '/')
  [IO.File]::WriteAllBytes($body, [Convert]::FromBase64String(@'
{}
'@))
"""


def powershell_command(plain: Plain) -> str:
    """The command, with comment lines above it."""
    _drop_bytes(plain)
    parts = carried(plain)
    text = "\n".join(_everything(plain))
    key_mark, body_mark = _mark("{{key}}", text), _mark("{{body}}", text)
    marks = {one.own: _mark("{{" + str(one.own) + "}}", text) for one in plain.owns}

    def filled(one: Field) -> str:
        mark = key_mark if one.own is None else marks[one.own]
        return f"header = {curl_string(one.name + ': ' + one.before + mark + one.after)}"

    body = "@" + (body_mark if parts else LOST_BODY) if is_outside(plain) else None
    lines = "\n".join(curlrc(plain, filled, body))
    swaps = f".Replace('{key_mark}', $key)" if plain.variable else ""
    swaps += "".join([f".Replace('{mark}', ${own})" for own, mark in marks.items()])
    swaps += f".Replace('{body_mark}', $body)" if parts else ""
    return "".join(
        [
            plain.comments("#", phrase("script.powershell")),
            "& {\n  $OutputEncoding = [System.Text.UTF8Encoding]::new($false)\n",
            _VALUE.format(plain.variable, plain.put_key(), "key") if plain.variable else "",
            *[_VALUE.format(one.own, plain.put_value(one), one.own) for one in plain.owns],
            _BODY.format("\n".join(parts)) if parts else "",
            f"  @'\n{lines}\n'@{swaps} | curl.exe -q -K -\n",
            "  Remove-Item $body\n" if parts else "",
            "}",
        ]
    )


def _everything(plain: Plain) -> list[str]:
    """All that the text may hold besides what we add."""
    return [plain.url, *[one.name + one.before + one.after for one in plain.fields], plain.body.decode("latin-1")]


def _mark(mark: str, text: str) -> str:
    """MARK, made longer until it is nowhere in TEXT."""
    while mark in text:
        mark = "{" + mark + "}"
    return mark


def _drop_bytes(plain: Plain) -> None:
    """Take out fields with bytes that are no text: PowerShell's strings cannot hold them."""
    lost = [one for one in plain.fields if not (one.before + one.after).replace("\t", "").isprintable()]
    if lost:
        plain.notes.append(phrase("left.no_text", names=", ".join([one.name for one in lost])))
    plain.fields[:] = [one for one in plain.fields if one not in lost]
