"""The real daemon between real clients and the sandbox: calls that share an answer or a request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import sqlite3
import struct
from base64 import b64decode
from typing import Any

import pytest

from daemon.sandbox.openai_arrays import vector_of
from stage.world import CHATS, HOSTS, KEYS, config

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing; install it: apt install curl"),
]
CHAT = CHATS[0]
KEY = f"Authorization: Bearer {KEYS['openai']}"
EMBED = f"http://{HOSTS['openai']}/v1/embeddings"


async def curl(daemon: Any, *arguments: str) -> tuple[int, dict[str, str], bytes]:
    """Run curl through the daemon's socket: status, header fields, body; status 0 when curl found the answer cut."""
    command = ["curl", "-q", "-sS", "-i", "-N", "--max-time", "60", "--unix-socket", str(daemon.socket), *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=daemon.env
    )
    out, errors = await process.communicate()
    head, _, body = out.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    assert head or process.returncode, errors
    return int(lines[0].split(" ")[1]) if process.returncode == 0 else 0, fields, body


def rows(daemon: Any) -> list[dict[str, Any]]:
    """The calls in the journal, oldest first."""
    listed = daemon.run("calls", "--json", "--limit", "1000").stdout.splitlines()
    return [json.loads(line) for line in listed][::-1]


def embed(text: Any, *more: str, **fields: Any) -> list[str]:
    """The arguments of curl for an embeddings call."""
    body = json.dumps({"model": "embed", "input": text, **fields})
    return ["-H", KEY, "-H", "Content-Type: application/json", *more, "-d", body, EMBED]


def in_the_database(daemon: Any, question: str) -> list[Any]:
    """What the journal's file holds."""
    with contextlib.closing(sqlite3.connect(f"file:{daemon.state_dir / 'journal.db'}?mode=ro", uri=True)) as db:
        return db.execute(question).fetchall()


@pytest.mark.parametrize(("api", "stream"), [(CHAT, False), *((api, True) for api in CHATS)], ids=str)
async def test_identical_calls_are_sent_once(sluice: Any, sandbox: Any, api: Any, stream: bool) -> None:
    """Five at once, each API, streamed or not: one request, five times the same bytes, five rows, tokens once."""
    provider = sandbox(service_s=0.6)
    daemon = sluice(config(provider.url, more="coalesce: true\n"))
    arguments = api.curl("gpt-4o-mini", stream=stream)
    answers = await asyncio.gather(*(curl(daemon, *arguments) for _ in range(5)))
    assert [status for status, _, _ in answers] == [200] * 5
    assert len({body for _, _, body in answers}) == 1
    assert len(provider.seen) == 1
    told = rows(daemon)
    assert [row["state"] for row in told] == ["done"] * 5
    (lead,) = [row["id"] for row in told if row["how"] is None]
    assert [row["answered_with"] for row in told if row["how"] == "same"] == [lead] * 4
    assert [fields.get("X-Sluice-Shared-With") for _, fields, _ in answers].count(lead) == 4
    assert sum(row["usage"]["output"] > 0 for row in told) == 1
    assert "Calls answered by an identical one: 4." in daemon.run("status").stdout
    mate = next(row["id"] for row in told if row["how"] == "same")
    assert lead in daemon.run("calls", mate).stdout
    ends = in_the_database(daemon, "SELECT call, count(*) FROM steps WHERE kind = 'done' GROUP BY call")
    assert [count for _, count in ends] == [1] * 5


async def test_the_first_client_is_killed(sluice: Any, sandbox: Any) -> None:
    """A stream's first client goes in the middle of it; the second one, which came later, gets all of it."""
    provider = sandbox(chunk_s=0.05)
    daemon = sluice(config(provider.url, more="coalesce: true\n"))
    arguments = CHAT.curl("long-40", stream=True)
    command = ["curl", "-q", "-sS", "-N", "--unix-socket", str(daemon.socket), *arguments]
    first = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=daemon.env)
    assert first.stdout is not None
    await first.stdout.readuntil(b"\n\n")
    second = asyncio.create_task(curl(daemon, *arguments))
    await first.stdout.readuntil(b"\n\n")
    while "by an identical one: 1" not in daemon.run("status").stdout:
        await first.stdout.readuntil(b"\n\n")
    first.kill()
    await first.wait()
    status, fields, body = await second
    assert status == 200
    assert body.endswith(b"data: [DONE]\n\n")
    assert body.count(b'"content":') == 40
    assert len(provider.seen) == 1
    assert not provider.seen[0].closed_by_client
    lead = fields["X-Sluice-Shared-With"]
    assert "goes on for those who still wait" in daemon.run("calls", lead).stdout


async def test_all_clients_are_killed(sluice: Any, sandbox: Any) -> None:
    """Then the provider's connection is closed, too, and both rows say that the client left."""
    provider = sandbox()
    daemon = sluice(config(provider.url, more="coalesce: true\n"))
    command = ["curl", "-q", "-sS", "--unix-socket", str(daemon.socket), *CHAT.curl("hang")]
    clients = [await asyncio.create_subprocess_exec(*command, env=daemon.env) for _ in range(2)]
    while len(rows(daemon)) < 2 or not provider.seen:
        assert all(client.returncode is None for client in clients)
    for client in clients:
        client.kill()
        await client.wait()
    while any(row["state"] != "cancelled" for row in rows(daemon)):
        assert daemon.alive
    assert len(provider.seen) == 1


@pytest.mark.parametrize("model", ["cut-stream", "reset-in-stream", "error-in-stream"])
async def test_what_breaks_breaks_for_all(sluice: Any, sandbox: Any, model: str) -> None:
    """Nobody's part of an answer looks whole, and each row is a failure with an explanation."""
    provider = sandbox(service_s=0.6)
    daemon = sluice(config(provider.url, more="coalesce: true\nretry: {tries: 1}\n"))
    answers = await asyncio.gather(*(curl(daemon, *CHAT.curl(model, stream=True)) for _ in range(3)))
    assert len({status for status, _, _ in answers}) == 1
    # An error inside of a stream that has begun is passed on as it came; one that comes at once becomes an error.
    assert {status for status, _, _ in answers} <= ({200, 502, 503} if model == "error-in-stream" else {0, 502})
    told = rows(daemon)
    assert [row["state"] for row in told] == ["failed"] * 3
    assert len(provider.seen) == sum(row["attempts"] for row in told if row["how"] is None)
    assert sum(row["attempts"] for row in told if row["how"]) == 0
    for row in told:
        assert row["line"]
        assert daemon.run("explain", row["id"]).stdout


async def test_a_failure_in_each_one_s_language(sluice: Any, sandbox: Any) -> None:
    """The same error, each told in its own language, with its own id."""
    provider = sandbox(service_s=0.6, faults={500: 1.0})
    daemon = sluice(config(provider.url, more="coalesce: true\nretry: {tries: 1}\n"))
    answers = await asyncio.gather(
        *(curl(daemon, "-H", f"X-Sluice-Language: {lang}", *CHAT.curl("gpt-4o")) for lang in ("en", "ko", "zh"))
    )
    told = [json.loads(body)["error"]["sluice"] for _, _, body in answers]
    assert {status for status, _, _ in answers} == {500}
    assert [one["language"] for one in told] == ["en", "ko", "zh"]
    assert len({one["call"] for one in told}) == 3
    assert len({one["line"] for one in told}) == 3


async def test_the_cache_outlives_the_daemon(sluice: Any, sandbox: Any) -> None:
    """Kept once, given again also after a restart, as the same bytes; `daemon cache` tells and clears."""
    provider = sandbox()
    daemon = sluice(config(provider.url, more="cache: {enabled: true}\n"))
    calls = [CHAT.curl("gpt-4o-mini"), CHAT.curl("gpt-4o-mini", stream=True), embed(["a", "b"])]
    first = [await curl(daemon, *arguments) for arguments in calls]
    assert [fields["X-Sluice-Cache"] for _, fields, _ in first] == ["miss"] * 3
    daemon.restart()
    again = [await curl(daemon, *arguments) for arguments in calls]
    assert [body for _, _, body in again] == [body for _, _, body in first]
    assert all(re.fullmatch(r"hit; age=\d+", fields["X-Sluice-Cache"]) for _, fields, _ in again)
    assert [fields["content-type"] for _, fields, _ in again] == [fields["content-type"] for _, fields, _ in first]
    assert not any("ratelimit" in name for _, fields, _ in again for name in fields)
    assert len(provider.seen) == 3
    hits = rows(daemon)[3:]
    assert [(row["how"], row["usage"]["input"], row["attempts"]) for row in hits] == [("cache", 0, 0)] * 3
    assert [row["answered_with"] for row in hits] == [fields["X-Sluice-Call"] for _, fields, _ in first]
    assert "ago was kept" in daemon.run("calls", hits[0]["id"]).stdout
    assert "Answers kept: 3" in daemon.run("cache").stdout
    files = list((daemon.state_dir / "answers").iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert "Answers deleted: 3." in daemon.run("cache", "--clear").stdout
    assert json.loads(daemon.run("cache", "--json").stdout)["answers"] == 0
    assert (await curl(daemon, *calls[0]))[1]["X-Sluice-Cache"] == "miss"


async def test_what_the_cache_does_not_keep(sluice: Any, sandbox: Any) -> None:
    """Failures and cut streams; nor does it give one key's answer to another."""
    provider = sandbox()
    daemon = sluice(config(provider.url, more="cache: {enabled: true}\n"))
    for model in ("cut-stream", "error-in-stream", "bad-request"):
        await curl(daemon, *CHAT.curl(model, stream=True))
    assert json.loads(daemon.run("cache", "--json").stdout)["answers"] == 0
    assert (await curl(daemon, *embed("a")))[1]["X-Sluice-Cache"] == "miss"
    other = [argument.replace(KEYS["openai"], "CANARY-another-key-77") for argument in embed("a")]
    assert (await curl(daemon, *other))[1]["X-Sluice-Cache"] == "miss"
    assert (await curl(daemon, *embed("a", "-H", "X-Sluice-Cache: refresh")))[1]["X-Sluice-Cache"] == "miss"
    assert "X-Sluice-Cache" not in (await curl(daemon, *embed("a", "-H", "X-Sluice-Cache: off")))[1]


async def test_a_damaged_answer_is_not_given(sluice: Any, sandbox: Any) -> None:
    """One byte of the file is another: it is deleted, and the call is sent."""
    provider = sandbox()
    daemon = sluice(config(provider.url, more="cache: {enabled: true}\n"))
    await curl(daemon, *embed("a"))
    (file,) = (daemon.state_dir / "answers").iterdir()
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    _, fields, body = await curl(daemon, *embed("a"))
    assert fields["X-Sluice-Cache"] == "miss"
    assert json.loads(body)["data"][0]["embedding"] == vector_of("a")
    assert len(provider.seen) == 2


BATCHES = "batch: {embeddings: true, completions: true}\nmax_connections: 2000\n"


async def embedded(daemon: Any, texts: list[Any], **fields: Any) -> list[Any]:
    """Many embeddings calls at once, by the official SDK; each has its own text."""
    httpx, openai = pytest.importorskip("httpx2"), pytest.importorskip("openai")
    transport = httpx.AsyncHTTPTransport(uds=str(daemon.socket))
    async with httpx.AsyncClient(transport=transport, timeout=120) as http:
        client = openai.AsyncOpenAI(
            api_key=KEYS["openai"], base_url=f"http://{HOSTS['openai']}/v1", http_client=http, max_retries=0
        )
        sent = (client.embeddings.create(model="embed", input=text, **fields) for text in texts)
        return await asyncio.gather(*sent, return_exceptions=True)


@pytest.mark.parametrize("form", ["float", "base64"])
async def test_embeddings_go_together(sluice: Any, sandbox: Any, form: str) -> None:
    """120 calls of the SDK against 20 requests a scaled minute: far fewer requests than calls, and each has its own
    vector, row and tokens. How many depends on how fast the client makes its calls: one that finds room goes alone."""
    provider = sandbox(requests_per_minute=20, minute_s=6.0, tokens_per_minute=None)
    daemon = sluice(config(provider.url, minute_s=6.0, more=BATCHES))
    texts: list[Any] = [f"text number {i}" for i in range(100)] + [[f"a {i}", f"b {i}"] for i in range(20)]
    answers = await embedded(daemon, texts, encoding_format=form)
    for text, answer in zip(texts, answers, strict=True):
        mine = [text] if isinstance(text, str) else text
        assert [row.index for row in answer.data] == list(range(len(mine)))
        vectors = [row.embedding for row in answer.data]
        if form == "base64":
            vectors = [list(struct.unpack("<8f", b64decode(one))) for one in vectors]
        assert vectors == [vector_of(one) for one in mine]
        assert answer.model == "embed"
    assert len(provider.seen) < 60
    assert not [seen for seen in provider.seen if seen.status != 200]
    told = rows(daemon)
    assert [row["state"] for row in told] == ["done"] * 120
    counted = sum(answer.usage.prompt_tokens for answer in answers)
    assert counted == sum(row["usage"]["input"] for row in told)
    batched = [row for row in told if row["how"] == "batch"]
    assert len(batched) == 120 - len(provider.seen)
    assert {row["answered_with"] for row in batched} <= {row["id"] for row in told if row["how"] is None}
    assert "went along in another's request" in daemon.run("status").stdout


async def test_only_the_bad_one_is_refused(sluice: Any, sandbox: Any) -> None:
    """An empty text among thirty: it alone gets the provider's 400, explained; the others their vectors."""
    openai = pytest.importorskip("openai")
    provider = sandbox(requests_per_minute=20, minute_s=2.0, tokens_per_minute=None)
    daemon = sluice(config(provider.url, minute_s=2.0, more=BATCHES))
    texts = ["" if i == 17 else f"text {i}" for i in range(60)]
    answers = await embedded(daemon, texts, encoding_format="float")
    for i, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        if i == 17:
            assert isinstance(answer, openai.BadRequestError)
            assert answer.response.json()["error"]["sluice"]["status"] == 400
        else:
            assert answer.data[0].embedding == vector_of(text)
    assert sorted(row["state"] for row in rows(daemon)) == ["done"] * 59 + ["failed"]


async def test_completions_go_together(sluice: Any, sandbox: Any) -> None:
    """The old kind, by curl: each has its own text with index 0."""
    provider = sandbox(requests_per_minute=6, minute_s=4.0, tokens_per_minute=None)
    daemon = sluice(config(provider.url, minute_s=4.0, more=BATCHES))
    url = f"http://{HOSTS['openai']}/v1/completions"

    def ask(i: int) -> list[str]:
        body = json.dumps({"model": "gpt-3.5-turbo-instruct", "prompt": f"prompt {i}"})
        return ["-H", KEY, "-H", "Content-Type: application/json", "-d", body, url]

    answers = await asyncio.gather(*(curl(daemon, *ask(i)) for i in range(24)))
    assert {status for status, _, _ in answers} == {200}
    for i, (_, _, body) in enumerate(answers):
        (choice,) = json.loads(body)["choices"]
        assert (choice["index"], choice["text"]) == (0, f"You said: prompt {i}")
    assert len(provider.seen) < 24
    assert sum(row["usage"]["output"] for row in rows(daemon)) == sum(
        json.loads(body)["usage"]["completion_tokens"] for _, _, body in answers
    )


async def test_with_everything_off_nothing_is_different(sluice: Any, sandbox: Any) -> None:
    """The same calls without a setting: each is sent, the request's bytes are the client's own, and no answer has a
    word of sharing."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    arguments = [CHAT.curl("gpt-4o-mini"), CHAT.curl("gpt-4o-mini"), embed("a"), embed("a"), embed(["b", "c"])]
    answers = await asyncio.gather(*(curl(daemon, *one) for one in arguments))
    assert sorted(seen.body for seen in provider.seen) == sorted(one[one.index("-d") + 1].encode() if "-d" in one
        else one[one.index("--data-binary") + 1].encode() for one in arguments)  # fmt: skip
    words = ("X-Sluice-Shared-With", "X-Sluice-Batch", "X-Sluice-Cache")
    assert not [name for _, fields, _ in answers for name in fields if name in words]
    assert not (daemon.state_dir / "answers").exists()
    assert [row["how"] for row in rows(daemon)] == [None] * 5
