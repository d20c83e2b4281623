"""Reads an answer while it passes: usage, whether it came to its proper end, an error inside a 200, the text.

The bytes go to the client as they came; this is a reader beside them and must never raise or hold much.
"""

from __future__ import annotations

from typing import Any, Final

from daemon.document import document_of
from daemon.model import Ask, Usage
from daemon.providers import anthropic, bedrock, gemini, ollama, openai
from daemon.providers.dialect import Dialect, Piece, encoded
from daemon.providers.splitters import Event, Splitter, splitter_for
from daemon.providers.usage import merge

MAX_UNTAKEN: Final = 1 << 20
"""Characters of text that wait for `take_text`. A passthrough never takes them."""

_FIRST_GUESS: Final[dict[str, Dialect]] = {"messages": anthropic, "generate": gemini}
_DIALECTS: Final[tuple[Dialect, ...]] = (openai, anthropic, gemini, bedrock, ollama)


class StreamReader:
    """Reads one answer. Feed it every chunk in order; ask it at any time."""

    def __init__(self, ask: Ask) -> None:
        self._dialect: Dialect = _FIRST_GUESS.get(ask.kind, openai)
        self._splitter: Splitter | None = None
        self._start = b""
        self._usage: Usage | None = None
        self._ended = False
        self._error: bytes | None = None
        self._events = 0
        self._understood = 0
        self._more = False
        self._texts: list[str] = []
        self._untaken = 0
        self.output_chars = 0
        """Characters of output so far: text, reasoning and tool arguments of all choices."""
        self.finish: str | None = None
        """Why the model stopped, in the provider's word."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        if self._splitter is None:
            self._start += chunk
            self._splitter = splitter_for(self._start)
            if self._splitter is None:
                self._start = self._start[-8:]  # white space: DeepSeek sends empty lines while it is busy
                return
            chunk, self._start = self._start.removeprefix(b"\xef\xbb\xbf"), b""
        for event in self._splitter.feed(chunk):
            piece = self._read(event)
            self._note(piece)
            self._keep_text(piece)

    def take_text(self) -> list[str]:
        """The new pieces of visible text since the last call."""
        texts, self._texts, self._untaken = self._texts, [], 0
        return texts

    @property
    def usage(self) -> Usage | None:
        """What the provider reported so far; None when it reported nothing."""
        self._look_ahead()
        return self._usage

    @property
    def error(self) -> bytes | None:
        """An error that came inside the answer, as JSON like an error body; None when there is none."""
        self._look_ahead()
        return self._error

    @property
    def ended(self) -> bool:
        """Whether the answer has come to its proper end: if the connection closed now, nothing would be missing.

        True also when that cannot be known: a framing that nobody knows, or an event too long to be read.
        """
        self._look_ahead()
        splitter = self._splitter
        if splitter is None:
            return False
        strange = self._events > 0 and self._understood == 0
        return self._ended or (splitter.closed and not self._more) or splitter.lost or strange

    def __repr__(self) -> str:
        state = "ended" if self._ended else "open"
        return f"<StreamReader {state}, {self._events} events, {self.output_chars} characters, {self._usage}>"

    def _look_ahead(self) -> None:
        """Note what the unfinished last event says: some servers leave out the closing empty line."""
        if self._splitter is not None and not self._ended:
            for event in self._splitter.pending():
                piece = self._read(event, counted=False)
                if piece.ended or piece.usage:
                    self._ended = self._ended or piece.ended
                    self._usage = merge(self._usage, piece.usage)
                self._error = self._error or piece.error

    def _note(self, piece: Piece) -> None:
        self._ended = self._ended or piece.ended
        self._usage = merge(self._usage, piece.usage)
        self._error = self._error or piece.error
        self._more = piece.more
        self.finish = piece.finish or self.finish
        self.output_chars += piece.chars

    def _keep_text(self, piece: Piece) -> None:
        if piece.text and self._untaken < MAX_UNTAKEN:
            self._texts.append(piece.text)
            self._untaken += len(piece.text)

    def _read(self, event: Event, *, counted: bool = True) -> Piece:
        name, payload = event
        self._events += counted
        if payload.strip() == b"[DONE]":
            self._understood += counted
            return Piece(ended=True)
        try:
            document = document_of(payload)
        except (ValueError, RecursionError):
            return Piece(error=_error_text(payload)) if name == "error" and counted else Piece()
        if not isinstance(document, dict):
            return Piece()
        piece = self._of_dialect(document, name)
        error = _error_in(document, name, payload)
        self._understood += counted and (piece is not None or error is not None)
        piece = piece or Piece()
        if error is None:
            return piece
        return piece._replace(error=error)

    def _of_dialect(self, document: dict[str, Any], name: str) -> Piece | None:
        """Ask the dialect that understood the last event first."""
        for dialect in (self._dialect, *_DIALECTS):
            try:
                piece = dialect.piece(document, name)
            except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
                continue  # a field of a type that nobody expects: not an event of this dialect
            if piece is not None:
                self._dialect = dialect
                return piece
        return None


def _error_in(document: dict[str, Any], name: str, payload: bytes) -> bytes | None:
    """The error that an event is, in the form of an error body."""
    error = document.get("error")
    if error and isinstance(error, (dict, str)):
        return payload
    if name == "error" or document.get("type") == "error":  # the Responses API puts the fields beside `type`
        return encoded({"error": {key: value for key, value in document.items() if key != "sequence_number"}})
    return None


def _error_text(payload: bytes) -> bytes:
    return encoded({"error": {"message": payload[:2000].decode("utf-8", "replace")}})
