"""A small stand-in for the daemon, for the tests of the Emacs package.

It speaks the same two languages on one Unix socket (the first byte tells which) and misbehaves on demand. The standard
library alone, so that any Python 3.11 runs it:

    fake_daemon.py serve --socket PATH     prints `ready PORT`; PORT is a plain HTTP server on the loopback
    fake_daemon.py explain --json -        explains a text from standard input; with an id, a call
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]

LINE = "OpenAI says this account has no credit left. Waiting will not help: add credit, then send again."

EXPLANATION: Json = {
    "subtype": "quota", "family": "quota", "retry": "never", "confidence": "sure", "provider": "openai", "status": 429,
    "reset_at": None, "retry_after_s": None, "model": "gpt-4o", "language": "en", "line": LINE,
    "title": "No credit left at OpenAI", "what": "The account behind this key has used up what was paid for.",
    "why": "Credit was 0.00 at the time of the call.", "now": "Waiting will not help; nothing is sent again.",
    "actions": [
        {"text": "Add credit to the account.", "url": "https://example.org/billing"},
        {"text": "Then send the request again.", "url": None},
    ],
    "not_this": "It is not a wrong key: 100% sure.", "evidence": "status 429 · error.code \"insufficient_quota\"",
    "original": "The provider's own sentence.",
}  # fmt: skip

CUT = "The connection to the provider broke in the middle of the answer."
HIDDEN = "The provider broke off with an error inside its answer: overloaded."


class Seen:
    """What has happened, for the tests to ask."""

    def __init__(self) -> None:
        self.cancelled: list[Any] = []
        self.chats: list[Json] = []
        self.subscribed: list[list[str]] = []
        self.http: list[Json] = []
        self.lists: Json = {"queue": [], "pools": [], "calls": []}
        """What `queue`, `limits` and `calls` answer; `set` changes it."""
        self.asked: list[str] = []
        """Which of these were asked, and what was cancelled or promoted."""
        self.clients: list[Client] = []
        self.greetings: list[Json] = []
        self.left = 0
        """HTTP clients that went away before their answer."""

    def news(self, **params: Any) -> None:
        """Tell all clients what waits."""
        for client in self.clients:
            client.tell("queue", **params)


class Client:
    """One JSON-RPC connection."""

    def __init__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        self.seen = seen
        self.writer = writer
        self.running: dict[Any, asyncio.Task[None]] = {}
        self.asked: dict[str, asyncio.Future[Json]] = {}

    def send(self, message: Json) -> None:
        text = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False)
        self.writer.write(text.encode() + b"\n")

    def tell(self, method: str, **params: Any) -> None:
        self.send({"method": method, "params": params})

    def take(self, message: Json) -> None:
        """Begin to work on a message; requests run side by side."""
        if message.get("method") == "$/cancelRequest":
            self._cancel(message["params"]["id"])
        elif "method" not in message:
            self.asked.pop(message["id"]).set_result(message)
        else:
            task = asyncio.ensure_future(self._answer(message))
            self.running[message["id"]] = task

    def _cancel(self, id: Any) -> None:
        self.seen.cancelled.append(id)
        if task := self.running.pop(id, None):
            task.cancel()
            self.send({"id": id, "error": {"code": -32800, "message": "cancelled"}})

    async def _answer(self, message: Json) -> None:
        method, id = message["method"], message["id"]
        operation = getattr(self, "do_" + method, None)
        if operation is None:
            self.send({"id": id, "error": {"code": -32601, "message": f"There is no method {method}."}})
            return
        try:
            result = await operation(message.get("params") or {}, id)
        except Refused as no:
            self.send({"id": id, "error": {"code": no.code, "message": str(no), "data": no.data}})
        else:
            self.send({"id": id, "result": result})
        finally:
            self.running.pop(id, None)

    async def do_hello(self, params: Json, id: Any) -> Json:
        protocol = int(os.environ.get("FAKE_PROTOCOL", "1"))
        self.seen.greetings.append(params)
        sandbox = bool(os.environ.get("FAKE_SANDBOX"))
        about = {"version": "9.9", "protocol": protocol, "pid": os.getpid(), "sandbox": sandbox}
        return {"daemon": "fake", **about, "features": []}

    async def do_echo(self, params: Json, id: Any) -> Json:
        return params

    async def do_seen(self, params: Json, id: Any) -> Json:
        return {name: value for name, value in vars(self.seen).items() if name != "clients"}

    async def do_fail(self, params: Json, id: Any) -> Json:
        raise Refused("This was refused.", -32000, {"why": "test"})

    async def do_stall(self, params: Json, id: Any) -> Json:
        await asyncio.sleep(3600)
        return {}

    async def do_die(self, params: Json, id: Any) -> Json:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    async def do_garbage(self, params: Json, id: Any) -> Json:
        """An answer that is not JSON, then the real one of another request is still to come."""
        self.writer.write(b'{"jsonrpc": "2.0", "id": %d, "result": {"x": tru}}\n' % id)
        return {}

    async def do_burst(self, params: Json, id: Any) -> Json:
        """`n` notifications in a row, of uneven sizes, so that reads end in the middle of lines."""
        for n in range(params["n"]):
            self.tell("tick", n=n, pad="가" * (n * 37 % 330))
            if n % 50 == 49:
                await asyncio.sleep(0)
        return {"sent": params["n"]}

    async def do_ask(self, params: Json, id: Any) -> Json:
        """Ask the client something and return what it said."""
        self.asked["q1"] = asyncio.get_running_loop().create_future()
        self.send({"id": "q1", "method": params["method"], "params": params.get("params", {"x": 7})})
        return await self.asked["q1"]

    async def do_subscribe(self, params: Json, id: Any) -> Json:
        self.seen.subscribed.append(params["topics"])
        return {}

    async def do_unsubscribe(self, params: Json, id: Any) -> Json:
        self.seen.subscribed.append([])
        return {"subscribed": []}

    async def do_set(self, params: Json, id: Any) -> Json:
        """Change what the lists are, and tell it if `tell` says so."""
        self.seen.lists.update({name: params[name] for name in params if name != "tell"})
        if topic := params.get("tell"):
            self.tell(topic, **{name: params[name] for name in params if name != "tell"})
        return {}

    async def do_queue(self, params: Json, id: Any) -> Json:
        self.seen.asked.append("queue")
        return {"queue": self.seen.lists["queue"]}

    async def do_limits(self, params: Json, id: Any) -> Json:
        self.seen.asked.append("limits")
        return {"pools": self.seen.lists["pools"]}

    async def do_calls(self, params: Json, id: Any) -> Json:
        self.seen.asked.append("calls failed" if params.get("failed") else "calls")
        rows = self.seen.lists["calls"]
        return {"calls": [row for row in rows if row["state"] == "failed" or not params.get("failed")]}

    async def do_usage(self, params: Json, id: Any) -> Json:
        self.seen.asked.append(f"usage by {params['by']} {params['since_s']}")
        usage = self.seen.lists["usage"]
        return {**usage, "by": params["by"], "rows": usage["rows_" + params["by"]]}

    async def do_warn(self, params: Json, id: Any) -> Json:
        for client in self.seen.clients:
            client.tell("warning", **params)
        return {}

    async def do_cancel(self, params: Json, id: Any) -> Json:
        self.seen.asked.append(f"cancel {params['call']}")
        return {"cancelled": params["call"] != "c-gone"}

    async def do_forget_keys(self, params: Json, id: Any) -> Json:
        return {"forgotten": self.seen.lists.pop("held", 0)}

    async def do_promote(self, params: Json, id: Any) -> Json:
        self.seen.asked.append(f"promote {params['call']} {params['priority']}")
        return {"promoted": params["call"] != "c-gone"}

    async def do_status(self, params: Json, id: Any) -> Json:
        about = {"version": "9.9", "sandbox": self.seen.lists.get("sandbox", False)}
        pools = self.seen.lists["pools"]
        return {"daemon": about, "pools": pools, "queue": [{"id": "c1"}, {"id": "c2"}], "journal": {}}

    async def do_curl(self, params: Json, id: Any) -> Json:
        command = f"curl --unix-socket S http://api.openai.com/v1 # {params['call']}"
        return {"command": command, "note": "Set OPENAI_API_KEY first."}

    async def do_explain(self, params: Json, id: Any) -> Json:
        it = dict(EXPLANATION, reset_at=params.get("reset_at"), retry_after_s=params.get("retry_after_s"))
        if params.get("call") == "went-well":
            words = "Call c-1 has not failed, so there is nothing to explain."
            return {"call": "c-1", "explanation": None, "text": words, "curl": "curl ..."}
        if text := params.get("text"):
            it["original"] = text
            return {"explanation": it, "text": LINE, "call": None, "curl": None}
        which = {"call": params["call"], "at": params.get("at"), "model": "gpt-4o-mini", "host": "api.openai.com"}
        return {"explanation": it, "text": LINE, **which, "curl": "curl ..."}

    async def do_show(self, params: Json, id: Any) -> Json:
        """The record of a call; the first answer says that it has not ended yet."""
        for record in self.seen.http:
            if record["headers"].get("x-sluice-request") == params["call"]:
                row = {"id": "c1", "ref": params["call"], "status": 200, "state": "running", "ended_at": None}
                if not record["asked"]:
                    record["asked"] = True
                    return row
                line = {"cut": CUT, "hidden": HIDDEN, "no-credit": LINE}.get(record["behaviour"])
                return {**row, "line": line, "state": "failed" if line else "done", "ended_at": time.time()}
        for row in [*self.seen.lists["calls"], *self.seen.lists["queue"]]:
            if row["id"] == params["call"]:
                steps = [
                    {"at": 990.5, "kind": "queued", "text": "came in"},
                    {"at": 991, "kind": "sent", "text": "sent"},
                ]
                return {**row, "timeline": steps}
        raise Refused(f"There is no call {params['call']}.", -32004, {})

    async def do_chat(self, params: Json, id: Any) -> Json:
        self.seen.chats.append(params)
        return await getattr(self, "chat_" + params["model"])(params, id)

    def _delta(self, id: Any, seq: int, text: str) -> None:
        self.tell("delta", id=id, call="c-77", seq=seq, text=text)

    def _result(self, text: str, finish: str = "stop") -> Json:
        usage = {"input": 12, "output": 34}
        return {"id": "c-77", "text": text, "usage": usage, "finish": finish, "model": "m", "host": "h"}

    async def chat_echo(self, params: Json, id: Any) -> Json:
        """Each character of the prompt is one piece of the answer."""
        text = params["messages"][-1]["content"]
        for seq, char in enumerate(text):
            self._delta(id, seq, char)
            if seq % 20 == 19:
                await asyncio.sleep(0.001)
        return self._result(text)

    async def chat_whole(self, params: Json, id: Any) -> Json:
        """No pieces: the text comes with the result."""
        return self._result("All at once.", "length")

    async def chat_complete(self, params: Json, id: Any) -> Json:
        return self._result("All at once.")

    async def chat_cut(self, params: Json, id: Any) -> Json:
        """Pieces, and then the token limit."""
        self._delta(id, 0, "The first half")
        return self._result("The first half", "length")

    async def chat_blank(self, params: Json, id: Any) -> Json:
        """White space and nothing else, as of a model that spends all its tokens on thinking."""
        self._delta(id, 0, "\n")
        return self._result("\n", "length")

    async def chat_forever(self, params: Json, id: Any) -> Json:
        for seq in range(100_000):
            self._delta(id, seq, f"word{seq} ")
            await asyncio.sleep(0.005)
        return {}

    async def chat_big(self, params: Json, id: Any) -> Json:
        """Eight megabytes of UTF-8, in pieces of 64 kB, and once more with the result."""
        piece = "한국어 中文 🙂 שלום " * (64 * 1024 // 37)
        count = 8 * 1024 * 1024 // len(piece.encode())
        for seq in range(count):
            self._delta(id, seq, piece)
            await self.writer.drain()
        return self._result(piece * count)

    async def chat_waits(self, params: Json, id: Any) -> Json:
        """Waits in line until it is cancelled."""
        reason = "requests per minute used up"
        self.tell("state", id=id, call="c-77", state="queued", place=2, eta_at=time.time() + 65, reason=reason)
        await asyncio.sleep(3600)
        return {}

    async def chat_fails(self, params: Json, id: Any) -> Json:
        raise Refused(LINE, -32010, {"explanation": EXPLANATION, "call": "c-66"})

    async def chat_refused(self, params: Json, id: Any) -> Json:
        raise Refused("There is no such host.", -32602, {})

    async def chat_dies(self, params: Json, id: Any) -> Json:
        self._delta(id, 0, "half an ")
        await self.writer.drain()
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGKILL)
        return {}


class Refused(Exception):
    """An error answer."""

    def __init__(self, message: str, code: int, data: Json) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


async def serve_rpc(seen: Seen, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    client = Client(seen, writer)
    seen.clients.append(client)
    line = first + await reader.readline()
    while line.strip():
        client.take(json.loads(line))
        line = await reader.readline()
    for task in client.running.values():
        task.cancel()
    seen.clients.remove(client)


# HTTP: enough of four APIs for gptel.


def sse(*events: tuple[str | None, Any]) -> bytes:
    lines = []
    for name, data in events:
        head = f"event: {name}\n" if name else ""
        lines.append(f"{head}data: {data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)}\n\n")
    return "".join(lines).encode()


def answer_body(path: str, stream: bool, text: str) -> tuple[str, list[bytes]]:
    """Return content type and pieces of a good answer of the API at PATH."""
    half = len(text) // 2
    pieces = [text[:half], text[half:]]
    if not stream:
        return "application/json", [json.dumps(whole_answer(path, text), ensure_ascii=False).encode()]
    if "/responses" in path:
        chunks = [sse(("response.output_text.delta", {"delta": piece})) for piece in pieces]
        return "text/event-stream", [*chunks, sse(("response.completed", {"response": {"status": "completed"}}))]
    if "/messages" in path:
        chunks = [sse(("content_block_delta", {"delta": {"type": "text_delta", "text": piece}})) for piece in pieces]
        return "text/event-stream", [*chunks, sse(("message_stop", {"type": "message_stop"}))]
    if "GenerateContent" in path:
        blobs = [json.dumps(whole_answer(path, piece), ensure_ascii=False).encode() for piece in pieces]
        return "application/json", [b"[" + blobs[0], b",\n" + blobs[1] + b"]"]
    chunks = [sse((None, {"choices": [{"delta": {"content": piece}}]})) for piece in pieces]
    return "text/event-stream", [*chunks, sse((None, "[DONE]"))]


def whole_answer(path: str, text: str) -> Json:
    if "/responses" in path:
        content = [{"type": "output_text", "text": text}]
        return {"status": "completed", "output": [{"type": "message", "content": content}]}
    if "/messages" in path:
        return {"type": "message", "content": [{"type": "text", "text": text}]}
    if "enerateContent" in path:
        return {"candidates": [{"content": {"parts": [{"text": text}]}}]}
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


async def read_request(first: bytes, reader: asyncio.StreamReader) -> Json:
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    pairs = [line.split(":", 1) for line in head[1:] if line]
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))) or b"{}")
    return {"method": method, "path": path, "headers": headers, "body": body}


def behaviour_of(request: Json) -> str:
    """The model's name says what shall happen."""
    path = request["path"]
    if "/models/" in path:
        return str(path.split("/models/")[1].split(":")[0])
    return str(request["body"].get("model", "ok"))


async def serve_http(
    seen: Seen, where: str, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    request = await read_request(first, reader)
    behaviour = behaviour_of(request)
    seen.http.append({**request, "where": where, "behaviour": behaviour, "asked": False})
    stream = bool(request["body"].get("stream")) or "streamGenerateContent" in request["path"]
    if behaviour == "no-credit":
        error = {"message": LINE, "type": "insufficient_quota", "code": "insufficient_quota", "sluice": EXPLANATION}
        body = json.dumps({"error": error}).encode()
        writer.write(b"HTTP/1.1 429 Out of credit\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        return
    if behaviour == "unknown":
        host = request["headers"]["host"]
        words = f"Sluice does not know the host {host}, so nothing was sent."
        error = {"message": words, "type": "sluice_unknown_host", "code": "sluice_unknown_host"}
        body = json.dumps({"type": "error", "error": {**error, "sluice": {"host": host}}}).encode()
        writer.write(b"HTTP/1.1 404 Host unknown to Sluice\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        return
    if behaviour == "cancelled" and sum(one["behaviour"] == "cancelled" for one in seen.http) == 1:
        words = "the call was cancelled while it waited in the queue; send it again when you want its answer after all"
        error = {"message": words, "type": "sluice_cancelled", "code": "sluice_cancelled", "sluice": {"call": "c1"}}
        body = json.dumps({"type": "error", "error": error}).encode()
        writer.write(b"HTTP/1.1 503 Cancelled\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        return
    if behaviour == "queued":
        name = request["headers"]["x-sluice-request"]
        words = "requests per minute used up"
        row = {"id": "c9", "ref": name, "place": 2, "eta_at": time.time() + 65.5, "waits_for": words}
        queue = seen.lists["queue"]
        queue.append(row)
        seen.news(queue=queue)
        gone = asyncio.ensure_future(reader.read(1))
        while row in queue and not gone.done():
            await asyncio.sleep(0.01)
            queue = seen.lists["queue"]
            if name in seen.lists.get("go", []):
                queue.remove(row)
                seen.news(queue=queue)
        if gone.done():
            seen.lists["queue"] = [other for other in queue if other is not row]
            seen.left += 1
            return
        gone.cancel()
    if behaviour == "busy" and sum(one["behaviour"] == "busy" for one in seen.http) == 1:
        about = dict(EXPLANATION, retry="wait", reset_at=seen.lists.get("reset_at"))
        error = {"message": "Too many requests.", "type": "requests", "sluice": about}
        body = json.dumps({"error": error}).encode()
        writer.write(b"HTTP/1.1 429 Too many\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        return
    if behaviour == "slow":
        await reader.read(1)
        seen.left += 1
        return
    kind, pieces = answer_body(request["path"], stream, "안녕하세요, friend 🙂")
    if behaviour == "tool" and not any(message["role"] == "tool" for message in request["body"]["messages"]):
        function = {"name": "look", "arguments": "{}"}
        message = {"role": "assistant", "tool_calls": [{"id": "t1", "type": "function", "function": function}]}
        kind, pieces = "application/json", [json.dumps({"choices": [{"message": message}]}).encode()]
    if behaviour == "hidden":
        pieces = [pieces[0], sse(("error", {"type": "error", "error": {"type": "overloaded_error"}}))]
    # The head goes with the first piece, as the daemon does it: gptel's Gemini parser stumbles over a head alone.
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n".encode()
    head += b"Connection: close\r\n\r\n"
    for piece in pieces:
        writer.write(head + b"%x\r\n%s\r\n" % (len(piece), piece))
        head = b""
        await writer.drain()
        if behaviour in ("cut", "die"):
            await asyncio.sleep(0.05)
            if behaviour == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            writer.transport.abort()
            return
        await asyncio.sleep(0.01)
    writer.write(b"0\r\n\r\n")


Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def door(seen: Seen, where: str) -> Server:
    async def come_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, RuntimeError):
            first = await reader.read(1)
            if first == b"{":
                await serve_rpc(seen, first, reader, writer)
            elif first:
                await serve_http(seen, where, first, reader, writer)
            await writer.drain()
        writer.close()

    return come_in


@contextlib.asynccontextmanager
async def listening(socket: str) -> AsyncIterator[int]:
    seen = Seen()
    limit = 64 * 1024 * 1024
    async with (
        await asyncio.start_unix_server(door(seen, "socket"), socket, limit=limit),
        await asyncio.start_server(door(seen, "tcp"), "127.0.0.1", 0, limit=limit) as tcp,
    ):
        yield tcp.sockets[0].getsockname()[1]


async def serve(socket: str) -> None:
    async with listening(socket) as port:
        if state := os.environ.get("SLUICE_STATE_DIR"):
            endpoint = {"socket": socket, "pid": os.getpid(), "version": "9.9", "protocol": 1}
            (Path(state) / "endpoint.json").write_text(json.dumps(endpoint))
        with contextlib.suppress(BrokenPipeError):
            print(f"ready {port}", flush=True)
        await asyncio.sleep(float(os.environ.get("FAKE_LIFETIME_S", "100")))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve", "explain"])
    parser.add_argument("--socket", default=os.environ.get("FAKE_SOCKET"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--status")
    parser.add_argument("--provider")
    parser.add_argument("--language")
    parser.add_argument("file", nargs="?")
    args = parser.parse_intermixed_args()
    if args.command == "explain":
        it = dict(EXPLANATION, original=sys.stdin.read(), status=int(args.status or 429))
        answer = it if args.file == "-" else {"call": args.file, "explanation": it, "text": LINE, "curl": None}
        json.dump(answer, sys.stdout, ensure_ascii=False)
    else:
        Path(args.socket).unlink(missing_ok=True)
        asyncio.run(serve(args.socket))


if __name__ == "__main__":
    main()
