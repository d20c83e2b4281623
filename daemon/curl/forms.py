"""All forms of a call from the same data: one entry for both doors and the command line."""

from __future__ import annotations

from typing import Final

from daemon.curl.cmd import cmd_command
from daemon.curl.command import curl_command
from daemon.curl.elisp import elisp_form
from daemon.curl.har import Answered, har_text
from daemon.curl.httpie import httpie_command
from daemon.curl.powershell import powershell_command
from daemon.curl.python import python_script
from daemon.curl.request import plain_request
from daemon.errors import InvalidCall
from daemon.model import Call
from daemon.phrases import phrase

FORMATS: Final = ("curl", "httpie", "python", "har", "elisp")
SHELLS: Final = ("posix", "powershell", "cmd")
"""posix: sh, bash, dash, zsh and fish, with one quoting."""


def call_as(
    call: Call,
    form: str = "curl",
    shell: str = "posix",
    *,
    key_variable: str | None,
    body_file: str | None = None,
    body_in_file: bool = False,
    via_socket: str | None = None,
    comment: str | None = None,
    answered: Answered | None = None,
    language: str = "en",
    proxy: str | None = None,
    ca_file: str | None = None,
) -> str:
    """CALL in one of the FORMATS, for one of the SHELLS, with notes in LANGUAGE, by the way that the daemon takes
    (PROXY, CA_FILE). BODY_IN_FILE is that of `curl_command`. Raises InvalidCall for other ones."""
    _check(form, shell, through=via_socket is not None)
    if (form, shell) == ("curl", "posix"):
        return curl_command(
            call,
            key_variable=key_variable,
            body_file=body_file,
            body_in_file=body_in_file,
            via_socket=via_socket,
            comment=comment,
            language=language,
            proxy=proxy,
            ca_file=ca_file,
        )
    plain = plain_request(
        call,
        key_variable=key_variable,
        body_file=body_file,
        direct=via_socket is None,
        comment=comment,
        language=language,
        proxy=proxy,
        ca_file=ca_file,
    )
    if form == "python":
        return python_script(plain, via_socket=via_socket)
    if form == "elisp":
        return elisp_form(plain, via_socket=via_socket)
    if form == "har":
        return har_text(plain, answered or Answered())
    if form == "httpie":
        return httpie_command(plain)
    return powershell_command(plain) if shell == "powershell" else cmd_command(plain)


def _check(form: str, shell: str, *, through: bool) -> None:
    """Raise InvalidCall for a form that does not exist, and say which does."""
    if form not in FORMATS:
        raise InvalidCall(phrase("forms.format", name=repr(form[:40]), all=", ".join(FORMATS)))
    if shell not in SHELLS:
        raise InvalidCall(phrase("forms.shell", name=repr(shell[:40]), all=", ".join(SHELLS)))
    if shell != "posix" and form != "curl":
        raise InvalidCall(phrase("forms.one_shell", name=form))
    if through and (shell != "posix" or form in ("httpie", "har")):
        raise InvalidCall(phrase("forms.no_socket", name=form if shell == "posix" else shell))
