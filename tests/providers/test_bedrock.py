"""Requests and conversations of AWS Bedrock."""

import json

from daemon.model import Chat, Message
from daemon.providers import bedrock
from daemon.providers.dialect import ChatPath


def test_converse() -> None:
    """Messages, system, images, tools; the verb says whether it streams."""
    body = {
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "Hi"}, {"image": {"format": "png", "source": {"bytes": "AA"}}}]}
        ],
        "inferenceConfig": {"maxTokens": 9},
        "toolConfig": {"tools": [{"toolSpec": {"name": "look"}}]},
    }
    found = bedrock.ask("chat", "/model/m/converse-stream", body)
    assert (found.stream, found.messages, found.images, found.max_output) == (True, 1, 1, 9)
    assert "Be brief." in found.text
    assert "look" in found.text
    assert bedrock.ask("chat", "/model/m/converse", body).stream is False


def test_invoke_with_anthropics_body() -> None:
    """InvokeModel takes the model's own format; Claude's is known."""
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 7, "messages": [{"role": "user", "content": "Hi"}]}
    found = bedrock.ask("chat", "/model/m/invoke-with-response-stream", body)
    assert (found.stream, found.max_output, found.text) == (True, 7, "Hi")
    titan = bedrock.ask("chat", "/model/amazon.titan/invoke", {"inputText": "Hi"})
    assert titan.text == "Hi"


def test_a_conversation() -> None:
    """Converse in AWS's words, with the model quoted in the path."""
    chat = Chat("anthropic.claude:0", (Message("system", "s"), Message("user", "u")), max_tokens=5, temperature=0.1)
    request = bedrock.chat_request(chat, ChatPath("/model/{model}"))
    assert request.target == "/model/anthropic.claude%3A0/converse-stream"
    assert json.loads(request.body) == {
        "messages": [{"role": "user", "content": [{"text": "u"}]}],
        "system": [{"text": "s"}],
        "inferenceConfig": {"maxTokens": 5, "temperature": 0.1},
    }


def test_a_whole_answer() -> None:
    """Text, stop reason and usage of Converse without a stream."""
    document = {"output": {"message": {"content": [{"text": "Hi"}]}}, "stopReason": "end_turn",
                "usage": {"inputTokens": 1, "outputTokens": 2}}  # fmt: skip
    piece = bedrock.piece(document, "")
    assert piece is not None
    assert (piece.text, piece.finish, piece.usage and piece.usage.total) == ("Hi", "end_turn", 3)
