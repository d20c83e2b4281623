"""The call as a form that a person evaluates in Emacs, with nothing installed but curl, which gptel uses as well.

The words are those of the command; no shell reads them. The key comes from the environment or from auth-source,
where gptel keeps it, and goes to curl by its standard input.
"""

from __future__ import annotations

from daemon.curl.command import curl_words, span
from daemon.curl.fields import Field
from daemon.curl.request import Plain
from daemon.phrases import phrase

_FORM = """\
(let* ((coding-system-for-write 'utf-8-unix)
       (coding-system-for-read 'utf-8-unix)
{key}       (process
        (make-process
         :name "sluice-again" :connection-type 'pipe :noquery t
         :buffer (generate-new-buffer "*Sluice again*")
         :command
         (list {words}))))
{send}  (display-buffer (process-buffer process)))"""
_KEY = """\
       (key (or (getenv {variable})
                (progn
                  (require 'auth-source)
                  (let ((found (plist-get (car (auth-source-search :host {host} :user "apikey" :max 1)) :secret)))
                    (if (functionp found) (funcall found) found)))
                (user-error "%s" {missing})))
"""


def elisp_form(plain: Plain, *, via_socket: str | None = None) -> str:
    """The form, with comment lines above it."""
    lines = curl_words(plain, via_socket=via_socket)
    words = "\n               ".join([" ".join([lisp_string(word) for word in line]) for line in lines])
    key = ""
    if plain.variable:
        host = plain.call.origin.host
        missing = plain.tell("script.no_key", host=host, variable=plain.variable)
        key = _KEY.format(variable=lisp_string(plain.variable), host=lisp_string(host), missing=lisp_string(missing))
        plain.notes.append(phrase("script.auth_source"))
    return plain.comments(";;", phrase("script.elisp")) + _FORM.format(key=key, words=words, send=_send(plain))


def _send(plain: Plain) -> str:
    """What goes to curl's standard input, which it reads before anything else: the field with the key, and those
    between two such. Without one it is not touched, since a curl that reads nothing may have ended by then."""
    first, end = span(plain.fields)
    if not end:
        return ""
    parts = []
    for one in plain.fields[first:end]:
        before, after = f"{one.name}: {one.before}", f"{one.after}\n"
        if one.filled:
            parts += [lisp_string(before), "key" if one.own is None else _own(one, plain), lisp_string(after)]
        else:
            parts.append(lisp_string(one.argument + "\n"))
    return f"  (process-send-string process (concat {' '.join(parts)}))\n  (process-send-eof process)\n"


def _own(one: Field, plain: Plain) -> str:
    """The expression for the value of a field that was not kept."""
    return f'(or (getenv {lisp_string(one.own or "")}) (user-error "%s" {lisp_string(plain.put_value(one))}))'


def lisp_string(text: str) -> str:
    """TEXT as Emacs Lisp reads it; what cannot be seen is written by its number, and a byte that is no text stays."""
    return '"' + "".join([_char(char) for char in text]) + '"'


def _char(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char == "\n":
        return "\\n"
    if 0xDC80 <= ord(char) <= 0xDCFF:
        return f"\\{ord(char) - 0xDC00:03o}"
    if ord(char) < 0x80 and not char.isprintable():
        return f"\\{ord(char):03o}"
    return char if char.isprintable() else f"\\N{{U+{ord(char):X}}}"
