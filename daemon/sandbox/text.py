"""What an answer says, cut into the pieces of a stream, and how many tokens a text is."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from daemon.sandbox.question import Question

_LONG = re.compile(r"^long-(\d{1,6})$")
_PIECES = re.compile(r"\s*\S+")


@dataclass(frozen=True, slots=True)
class Answer:
    """The words of an answer and what it costs."""

    pieces: tuple[str, ...]
    """The text in the pieces of a stream."""
    input: int
    output: int
    cut: bool = False
    """It ended because max_tokens was reached."""

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def total(self) -> int:
        return self.input + self.output


def tokens(text: str) -> int:
    """Count tokens as a simple tokenizer would: four ASCII characters, or one other character, are one token."""
    other = len(text) - len(text.encode("ascii", "ignore"))
    return math.ceil((len(text) - other) / 4) + other


def estimate(text: str) -> float:
    """What is charged at the door for TEXT: a quarter of its characters, whatever they are."""
    return math.ceil(len(text) / 4)


def answer(question: Question, output_tokens: int | None = None) -> Answer:
    """Return the answer to QUESTION, with OUTPUT_TOKENS tokens if that is given and max_tokens allows it. To several
    prompts: the answers to all, one after the other."""
    if question.kind == "completions" and len(question.inputs) > 1:
        parts = [answer(replace(question, inputs=(), text=one, last=one), output_tokens) for one in question.inputs]
        pieces_of_all = tuple(piece for part in parts for piece in part.pieces)
        return Answer(pieces_of_all, sum(part.input for part in parts), sum(part.output for part in parts))
    pieces = _words(question, output_tokens)
    most = question.max_output
    kept: list[str] = []
    used = 0
    for piece in pieces:
        size = max(1, tokens(piece))
        if most is not None and used + size > most:
            return Answer(tuple(kept), tokens(question.text), used, cut=True)
        kept.append(piece)
        used += size
    return Answer(tuple(kept), tokens(question.text), used)


def _words(question: Question, output_tokens: int | None) -> list[str]:
    long = _LONG.match(question.model or "")
    if long:
        return [f"{n} " for n in range(1, int(long[1]) + 1)]
    if output_tokens is not None:
        return [" sip"] * output_tokens
    said = question.last or "nothing"
    text = said if question.model == "echo" else f"You said: {said}"
    return _PIECES.findall(text) or [text]
