"""The OpenAI responses API: its objects and the events of its streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from daemon.sandbox.question import Question
from daemon.sandbox.text import Answer


def whole(question: Question, answer: Answer, request_id: str, wall: float) -> dict[str, Any]:
    """A response object that is complete."""
    status = "incomplete" if answer.cut else "completed"
    out = _head(question, request_id, wall, status)
    if answer.cut:
        out["incomplete_details"] = {"reason": "max_output_tokens"}
    out["output"] = [_item(request_id, "completed", [_part(answer.text)])]
    out["usage"] = {
        "input_tokens": answer.input, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": answer.output, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.total,
    }  # fmt: skip
    return out


def chunks(question: Question, answer: Answer, request_id: str, wall: float) -> Iterator[bytes]:
    """The events, numbered; the text is in `response.output_text.delta`."""
    for number, (name, value) in enumerate(_events(question, answer, request_id, wall)):
        yield _event(name, {"type": name, "sequence_number": number, **value})


def trouble(error: dict[str, Any]) -> bytes:
    """An error event: the error's fields stand at the top."""
    fields = {"code": error["code"] or error["type"], "message": error["message"], "param": error["param"]}
    return _event("error", {"type": "error", "sequence_number": 9, **fields})


def _events(question: Question, answer: Answer, request_id: str, wall: float) -> Iterator[tuple[str, dict[str, Any]]]:
    head = _head(question, request_id, wall, "in_progress")
    item = _item(request_id, "in_progress", [])
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    done = whole(question, answer, request_id, wall)
    yield "response.created", {"response": head}
    yield "response.in_progress", {"response": head}
    yield "response.output_item.added", {"output_index": 0, "item": item}
    yield "response.content_part.added", {**place, "part": _part("")}
    for piece in answer.pieces:
        yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**place, "text": answer.text, "logprobs": []}
    yield "response.content_part.done", {**place, "part": _part(answer.text)}
    yield "response.output_item.done", {"output_index": 0, "item": done["output"][0]}
    yield "response.incomplete" if answer.cut else "response.completed", {"response": done}


def _head(question: Question, request_id: str, wall: float, status: str) -> dict[str, Any]:
    return {
        "id": f"resp_{request_id}", "object": "response", "created_at": int(wall), "status": status, "error": None,
        "incomplete_details": None, "instructions": None, "max_output_tokens": question.max_output,
        "model": question.model, "output": [],
        "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "metadata": {}, "usage": None,
    }  # fmt: skip


def _item(request_id: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": f"msg_{request_id}", "type": "message", "status": status, "role": "assistant", "content": content}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _event(name: str, value: dict[str, Any]) -> bytes:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()
