"""Several inputs in one request of the OpenAI API: embeddings and completions, and what is too much of them.

https://platform.openai.com/docs/api-reference/embeddings/create
"""

from __future__ import annotations

import base64
import struct
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from daemon.sandbox.question import Question
from daemon.sandbox.text import Answer, answer, tokens

MOST_INPUTS = 2048
MOST_TOKENS_OF_ONE = 8192
MOST_TOKENS = 300_000


def embeddings(question: Question, said: Answer) -> dict[str, Any]:
    """The body of an answer: a vector for each input, which tells by its figures whose it is."""
    body = question.body or {}
    size = body.get("dimensions") or 8
    packed = body.get("encoding_format") == "base64"
    rows = []
    for index, text in enumerate(question.inputs):
        vector = vector_of(text, size)
        value = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() if packed else vector
        rows.append({"object": "embedding", "index": index, "embedding": value})
    usage = {"prompt_tokens": said.input, "total_tokens": said.input}
    return {"object": "list", "data": rows, "model": question.model, "usage": usage}


def vector_of(text: str, size: int = 8) -> list[float]:
    """The embedding of TEXT: always the same, and another one for another text."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return [digest[i % 32] / 256 for i in range(size)]


def prompts(question: Question) -> list[Question]:
    """The question for each prompt of a completions request."""
    return [replace(question, inputs=(one,), text=one, last=one) for one in question.inputs] or [question]


def choices(question: Question, output_tokens: int | None) -> list[Answer]:
    """The answers of completions in the order of their numbers: all of the first prompt, then all of the next."""
    return [answer(one, output_tokens) for one in prompts(question) for _ in range(question.choices)]


def too_much(question: Question) -> str | None:
    """What is wrong with the inputs, in the provider's words; None when nothing is."""
    if question.kind != "embeddings":
        return None
    if not question.inputs or len(question.inputs) > MOST_INPUTS:
        return f"'$.input' is invalid. The array must have 1 to {MOST_INPUTS} items."
    if any(not one for one in question.inputs):
        return "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
    sizes = [tokens(one) for one in question.inputs]
    if max(sizes) > MOST_TOKENS_OF_ONE:
        return (
            f"This model's maximum context length is {MOST_TOKENS_OF_ONE} tokens, however you requested {max(sizes)} "
            "tokens. Please reduce your prompt; or completion length."
        )
    if sum(sizes) > MOST_TOKENS:
        return f"Requested {sum(sizes)} tokens, max {MOST_TOKENS} tokens per request"
    return None
