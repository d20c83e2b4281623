"""What goes out byte for byte, what comes back, and what each way of failing is called."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import Any

import pytest

from daemon.redact import Sealed
from daemon.upstream import StreamCut, Timeouts, Upstream, eyeballs, seconds_asleep
from stage.origin import Visit, ok, raw, serving
from upstream.calling import KEY, PATIENT, SHORT, answered, call_to, failed, sender

# ---- what goes out


async def test_the_request_on_the_wire() -> None:
    """Host first, then the fields in order with case and duplicates, then Content-Length; nothing of ours."""
    headers = (
        ("x-b", "2"),
        ("X-A", "1"),
        ("Authorization", f"Bearer {KEY}"),
        ("x-b", "3"),
        ("anthropic-version", "2023-06-01"),
        ("X-Empty", ""),
        ("X-Word", "żółw"),
    )
    async with serving(ok()) as server, sender() as upstream:
        response = answered(await upstream.send(call_to(server.port, headers=headers, body=b"\x00\xffabc")))
        response.close()
    expected = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nx-b: 2\r\nX-A: 1\r\n"
        f"Authorization: Bearer {KEY}\r\nx-b: 3\r\nanthropic-version: 2023-06-01\r\nX-Empty: \r\nX-Word: żółw\r\n"
        "Content-Length: 5\r\n\r\n"
    )
    assert server.visits[0].heads[0] == expected.encode()
    assert server.visits[0].bodies[0] == b"\x00\xffabc"


@pytest.mark.parametrize(
    ("method", "length"), [("GET", None), ("HEAD", None), ("POST", b"0"), ("DELETE", None), ("PUT", b"0")]
)
async def test_an_empty_body(method: str, length: bytes | None) -> None:
    """A POST without a body says so; a GET says nothing; no type is invented."""
    async with serving(ok(b"")) as server, sender() as upstream:
        answered(await upstream.send(call_to(server.port, method, headers=(), body=b""))).close()
    fields = dict(line.split(b": ", 1) for line in server.visits[0].heads[0][:-4].split(b"\r\n")[1:])
    assert fields.get(b"Content-Length") == length or (method == "DELETE" and fields.get(b"Content-Length") == b"0")
    assert set(fields) <= {b"Host", b"Content-Length"}


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/?x",
        "/?",
        "/v1/models?",
        "/v1/models??",
        "/v1/models?key=" + KEY + "&alt=sse",
        "/v1/../../etc/%2e%2e/passwd",
        "/%7Eme/a%2Fb/%E4?q=a+b%20c&k=%2B;x&e=",
        "//v1//models",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        "/a[1-3]{x,y}|'\"",
        "/x?a=b?c&d=@host:80/",
        "/%00%ff\\back",
    ],
)
async def test_the_target_byte_for_byte(target: str) -> None:
    """Path and query are never normalised."""
    async with serving(ok()) as server, sender() as upstream:
        answered(await upstream.send(call_to(server.port, "GET", target, body=b""))).close()
    assert server.visits[0].heads[0].split(b"\r\n")[0] == f"GET {target} HTTP/1.1".encode()


async def test_a_path_prefix_of_the_origin() -> None:
    """An origin with a path puts it in front."""
    async with serving(ok()) as server, sender() as upstream:
        url = f"http://127.0.0.1:{server.port}/openai"
        answered(await upstream.send(call_to(server.port, "GET", "/v1/models", url=url, body=b""))).close()
    assert server.visits[0].heads[0].startswith(b"GET /openai/v1/models HTTP/1.1\r\n")


async def test_a_compressed_upload_stays_compressed() -> None:
    """A body that the client compressed goes on as it is."""
    body = gzip.compress(b"{}" * 100)
    async with serving(ok()) as server, sender() as upstream:
        headers = (("Content-Encoding", "gzip"),)
        answered(await upstream.send(call_to(server.port, headers=headers, body=body))).close()
    assert server.visits[0].bodies == [body]


async def test_connections_are_used_again() -> None:
    """A whole answer leaves its connection for the next call; an answer that was not read does not."""
    async with serving(ok(b"x" * 10)) as server, sender() as upstream:
        for _ in range(3):
            response = answered(await upstream.send(call_to(server.port)))
            assert await response.read(100) == b"x" * 10
            response.close()
        assert len(server.visits) == 1


async def test_connections_from_before_a_sleep() -> None:
    """After a suspension a new connection is made, while an answer that runs keeps its own; a late timer is none."""
    slept_s = 0.0
    go_on = asyncio.Event()

    async def answer(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
            if visit is server.visits[0] and len(visit.heads) == 2:
                await go_on.wait()
            await visit.send(b"b")

    upstream = Upstream(PATIENT, asleep=lambda: slept_s)
    async with serving(answer) as server:
        response = answered(await upstream.send(call_to(server.port)))
        assert await response.read(10) == b"ab"
        response.close()
        running = answered(await upstream.send(call_to(server.port)))
        slept_s = 3600.0
        fresh = answered(await upstream.send(call_to(server.port)))
        assert await fresh.read(10) == b"ab"
        fresh.close()
        slept_s += 1.0
        again = answered(await upstream.send(call_to(server.port)))
        assert await again.read(10) == b"ab"
        again.close()
        go_on.set()
        assert await running.read(10) == b"ab"
        running.close()
        assert [len(visit.heads) for visit in server.visits] == [2, 2]
        await upstream.close()
    assert abs(seconds_asleep() - seconds_asleep()) < 1


async def test_cookies_are_not_kept() -> None:
    """What one answer sets is not sent with the next call."""
    async with serving(ok(extra=b"Set-Cookie: a=b\r\n")) as server, sender() as upstream:
        for _ in range(2):
            answered(await upstream.send(call_to(server.port))).close()
    assert not any(b"ookie" in head for visit in server.visits for head in visit.heads)


async def test_redirects_are_not_followed() -> None:
    """A redirect is an answer: the key must not go to another host."""
    async with (
        serving(raw(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")) as server,
        sender() as upstream,
    ):
        response = answered(await upstream.send(call_to(server.port, "GET", body=b"")))
        response.close()
    assert (response.status, response.header("location")) == (302, "http://127.0.0.1:1/")


# ---- what comes back


async def test_an_answer_as_it_is() -> None:
    """Status, reason, fields in order with case and duplicates, and a compressed body as it is."""
    body = gzip.compress(b'{"a":1}')
    head = (
        b"HTTP/1.1 429 Slow Down\r\nX-B: 1\r\nx-a: caf\xc3\xa9\r\nX-B: 2\r\nX-Odd: \xff\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    async with serving(raw(head + body)) as server, sender() as upstream:
        response = answered(await upstream.send(call_to(server.port)))
        assert await response.read(1000) == body
        response.close()
    assert (response.status, response.reason) == (429, "Slow Down")
    assert response.headers[:4] == (("X-B", "1"), ("x-a", "café"), ("X-B", "2"), ("X-Odd", "\udcff"))
    assert response.header("x-b") == "1"
    assert response.header("nothing") is None


async def test_chunks_come_as_they_are_sent() -> None:
    """A piece of a stream is handed on before the next one exists."""
    go_on = asyncio.Event()

    async def answer(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata:1\r\n")
        await go_on.wait()
        await visit.send(b"6\r\ndata:2\r\n0\r\n\r\n")

    async with serving(answer) as server, sender() as upstream:
        response = answered(await upstream.send(call_to(server.port)))
        got = []
        async for chunk in response.chunks():
            got.append(chunk)
            go_on.set()
        response.close()
    assert got == [b"data:1", b"data:2"]


async def test_reading_stops_at_the_limit() -> None:
    """Of an endless error page only the beginning is read, and its connection is closed."""

    async def answer(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 500 Oops\r\n\r\n")
        while True:
            await visit.send(b"x" * 10_000)

    async with serving(answer) as server, sender() as upstream:
        response = answered(await upstream.send(call_to(server.port)))
        assert await response.read(50_000) == b"x" * 50_000
        response.close()
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)


async def test_closing_early_closes_the_connection() -> None:
    """A client that left must not be paid for: the provider sees the connection end."""
    async with (
        serving(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")) as server,
        sender() as upstream,
    ):
        response = answered(await upstream.send(call_to(server.port)))
        response.close()
        response.close()
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)


async def test_cancelling_closes_the_connection() -> None:
    """A call that is cancelled before its answer is taken off the wire."""
    asked = asyncio.Event()

    async def answer(visit: Visit) -> None:
        await visit.request()
        asked.set()

    async with serving(answer) as server, sender() as upstream:
        task = asyncio.create_task(upstream.send(call_to(server.port)))
        await asyncio.wait_for(asked.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)


# ---- what goes wrong


async def test_nobody_listens() -> None:
    """A refused connection: nothing was sent."""
    async with sender() as upstream:
        failure = failed(await upstream.send(call_to(1)))
    assert (failure.fault, failure.sent, failure.status) == ("refused", False, None)
    assert failure.detail.startswith("127.0.0.1:1: ")
    assert (failure.host, failure.provider, failure.model) == ("api.example.com", "openai", "m")


async def test_a_name_that_does_not_exist() -> None:
    """A name that cannot be looked up: nothing was sent."""
    async with sender() as upstream:
        call = call_to(0, url="http://sluice.invalid", target=f"/v1?key={KEY}")
        failure = failed(await upstream.send(call))
    assert (failure.fault, failure.sent) == ("dns", False)
    assert "sluice.invalid" in failure.detail


async def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place's connections are not used again, since they are dead, and its name is looked up anew."""
    way = {"there": True}
    real = eyeballs.look_up
    looked: list[str] = []

    async def look_up(host: str, port: int) -> list[eyeballs.Address]:
        looked.append(host)
        if not way["there"]:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return await real("127.0.0.1", port)

    monkeypatch.setattr(eyeballs, "look_up", look_up)
    async with serving(ok(b"")) as server, sender() as upstream:
        url = f"http://good.invalid:{server.port}"
        running = answered(await upstream.send(call_to(0, url=url)))
        upstream._dialer.names.forget()
        way["there"] = False
        failure = failed(await upstream.send(call_to(0, url=url)))
        assert (failure.fault, failure.sent) == ("offline", False)
        assert "good.invalid" in failure.detail
        running.close()
        way["there"] = True
        answered(await upstream.send(call_to(0, url=url))).close()
        assert (len(looked), len(server.visits)) == (3, 2)


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_lost_before_an_answer(how: str) -> None:
    """A POST that was sent and got no answer may have been received: that is said, and it is not sent again."""
    async with serving(raw(b"", then=how)) as server, sender() as upstream:
        failure = failed(await upstream.send(call_to(server.port)))
    assert (failure.fault, failure.sent) == ("reset", True)
    assert len(server.visits) == 1


async def test_no_answer_in_time() -> None:
    """The first byte has its own time limit, counted from the connection, and the message names its setting."""
    async with serving(raw(b"")) as server, sender(SHORT) as upstream:
        failure = failed(await upstream.send(call_to(server.port)))
    assert (failure.fault, failure.sent) == ("first_byte_timeout", True)
    assert failure.detail == "no answer within 0.05 s (setting timeouts.first_byte)"


async def test_no_answer_in_time_on_a_used_connection() -> None:
    """The same limit holds when the connection is not new."""

    async def once(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(once) as server, sender(SHORT) as upstream:
        answered(await upstream.send(call_to(server.port))).close()
        failure = failed(await upstream.send(call_to(server.port)))
    assert (failure.fault, failure.sent, len(server.visits)) == ("first_byte_timeout", True, 1)


async def test_no_connection_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that does not answer counts as no connection, and nothing was sent."""

    async def never(*args: object, **more: object) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("daemon.upstream.eyeballs.look_up", never)
    async with sender(Timeouts(connect_s=0.02, first_byte_s=3)) as upstream:
        failure = failed(await upstream.send(call_to(0, url="http://slow.invalid")))
    assert (failure.fault, failure.sent) == ("connect_timeout", False)
    assert failure.detail == "no connection within 0.02 s (setting timeouts.connect)"


async def test_a_stream_that_stalls() -> None:
    """Between two pieces there is a time limit of its own."""
    async with (
        serving(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")) as server,
        sender(SHORT) as upstream,
    ):
        response = answered(await upstream.send(call_to(server.port)))
        chunks = response.chunks()
        assert await anext(chunks) == b"x"
        with pytest.raises(StreamCut) as cut:
            await anext(chunks)
        response.close()
    assert (cut.value.failure.fault, cut.value.failure.sent, cut.value.failure.status) == ("idle_timeout", True, 200)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(
    "head",
    [b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"Content-Length: 10\r\n\r\nabc"],
    ids=["chunked", "length"],
)
async def test_a_stream_that_is_cut(head: bytes, how: str) -> None:
    """A body that ends before its end is never a clean end."""
    go_on = asyncio.Event()

    async def answer(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\n" + head)
        await go_on.wait()
        if how == "close":
            visit.writer.close()
        else:
            visit.reset()

    async with serving(answer) as server, sender() as upstream:
        response = answered(await upstream.send(call_to(server.port)))
        chunks = response.chunks()
        assert await anext(chunks) == b"abc"
        go_on.set()
        with pytest.raises(StreamCut) as cut:
            await anext(chunks)
        response.close()
    assert cut.value.failure.fault == "truncated"
    assert KEY not in str(cut.value)


@pytest.mark.parametrize("bad", [b"ZZ\r\n", b"-1\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_a_stream_whose_chunks_break(bad: bytes) -> None:
    """A malformed chunk ends the stream at once; its reader does not wait for the idle time."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    go_on = asyncio.Event()

    async def answer(visit: Visit) -> None:
        await visit.request()
        await visit.send(head)
        await go_on.wait()
        await visit.send(bad)

    async with serving(answer) as server, sender(Timeouts(idle_s=60)) as upstream:
        response = answered(await upstream.send(call_to(server.port)))
        chunks = response.chunks()
        assert await anext(chunks) == b"abc"
        go_on.set()
        with pytest.raises(StreamCut) as cut:
            await asyncio.wait_for(anext(chunks), 5)
        response.close()
    assert cut.value.failure.fault == "truncated"


async def test_interim_answers() -> None:
    """A few are read over, as HTTP wants it; a flood of them is no answer."""
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    end = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    for number in (3, 3000):
        async with serving(raw(hint * number + end)) as server, sender() as upstream:
            outcome = await upstream.send(call_to(server.port))
            if number == 3:
                assert await answered(outcome).read(10) == b"{}"
                answered(outcome).close()
            else:
                assert failed(outcome).fault == "bad_answer"


async def test_an_answer_that_ends_by_closing_is_whole() -> None:
    """Without length or chunks the end of the connection is the end of the body."""
    async with serving(raw(b"HTTP/1.0 200 OK\r\n\r\nabc", then="close")) as server, sender() as upstream:
        response = answered(await upstream.send(call_to(server.port)))
        assert b"".join([chunk async for chunk in response.chunks()]) == b"abc"
        response.close()


@pytest.mark.parametrize(
    ("garbage", "rule"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "its first line is no status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "its length is told twice"),
        (b"HTTP/1.1 200 OK\r\nX-A: \x00\r\n\r\n", "a control character"),
        (b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 100_000 + b"\r\n\r\n", "a line of its head is too long"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n", "too many lines"),
        (b"HTTP/1.1 200 OK\r\nX-A 1\r\n\r\n", "no header field"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "another than chunked"),
        (b"HTTP/1.1 101 X\r\n\r\n", "(101)"),
        (b"HTTP/1.1 103 X\r\n\r\n" * 1001, "(1xx)"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "its first line is no status line"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "its first line is no status line"),
    ],
    ids=["ssh", "two lengths", "nul", "huge", "many", "name", "coding", "101", "1xx", "status", "tls alert"],
)
async def test_an_answer_that_is_not_http(garbage: bytes, rule: str) -> None:
    """Garbage is told with the rule that it breaks, and none of it is repeated."""
    async with serving(raw(garbage, then="close")) as server, sender() as upstream:
        failure = failed(await upstream.send(call_to(server.port)))
    assert (failure.fault, failure.sent) == ("bad_answer", True)
    assert failure.detail.startswith("the answer is not valid HTTP (")
    assert rule in failure.detail


async def test_tls_to_a_plain_port() -> None:
    """A server that does not speak TLS gets no byte of the request."""

    async def plain(visit: Visit) -> None:
        await visit.reader.read(100)
        await visit.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(plain) as server, sender() as upstream:
        failure = failed(await upstream.send(call_to(0, url=f"https://127.0.0.1:{server.port}")))
    assert (failure.fault, failure.sent) == ("tls", False)


async def test_a_header_that_cannot_be_sent() -> None:
    """A line break in a value never becomes a second field; the call fails, and the value is not shown."""
    async with serving(ok()) as server, sender() as upstream:
        headers = (("X-Token", f"{KEY}\r\nX-Evil: 1"),)
        failure = failed(await upstream.send(call_to(server.port, headers=headers)))
        assert not any(visit.heads for visit in server.visits)
    assert failure.fault == "bad_answer"


def test_sealed_targets_are_revealed_only_on_the_wire() -> None:
    """A call's repr shows no key although the wire has it."""
    call = call_to(1, target=f"/v1?key={KEY}")
    assert KEY not in repr(call)
    assert isinstance(call.target, Sealed)


# ---- connections that turn out to be dead


async def once(visit: Visit) -> None:
    """Answer one request on each connection, and hang up when another comes."""
    await visit.request()
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    await visit.request()
    visit.reset()


@pytest.mark.parametrize(("method", "body", "heads"), [("POST", b"{}", [2]), ("GET", b"", [2, 1])])
async def test_a_connection_that_dies_when_it_is_used_again(method: str, body: bytes, heads: list[int]) -> None:
    """A POST goes out once, whatever becomes of it; what may be repeated is, on a new connection."""
    async with serving(once) as server, sender() as upstream:
        first = answered(await upstream.send(call_to(server.port, method, body=body)))
        assert await first.read(10) == b"{}"
        first.close()
        outcome = await upstream.send(call_to(server.port, method, body=body))
        if method == "POST":
            assert (failed(outcome).fault, failed(outcome).sent) == ("reset", True)
        else:
            answered(outcome).close()
    assert [len(visit.heads) for visit in server.visits] == heads


async def begun(visit: Visit) -> None:
    """Answer one request on each connection, and hang up in the head of the second answer."""
    await visit.request()
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    await visit.request()
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-")
    visit.reset()


async def test_what_was_begun_to_be_answered_is_not_repeated() -> None:
    """A connection that dies within an answer was no dead one: a GET is not sent again behind the client's back."""
    async with serving(begun) as server, sender() as upstream:
        first = answered(await upstream.send(call_to(server.port, "GET")))
        assert await first.read(10) == b"{}"
        first.close()
        outcome = await upstream.send(call_to(server.port, "GET"))
        assert (failed(outcome).fault, failed(outcome).sent) == ("reset", True)
    assert [len(visit.heads) for visit in server.visits] == [2]


async def test_a_connection_that_was_just_closed_is_not_taken() -> None:
    """Its end is not told yet, but no byte would go: the POST goes on a new one."""
    async with serving(ok(b"{}")) as server, sender() as upstream:
        for number in range(2):
            response = answered(await upstream.send(call_to(server.port)))
            assert await response.read(10) == b"{}"
            response.close()
            for waiting in upstream._pool._idle.values() if number == 0 else ():
                for connection in waiting:
                    assert connection._transport is not None
                    connection._transport.close()
    assert [len(visit.heads) for visit in server.visits] == [1, 1]


async def test_forgotten_connections() -> None:
    """What is open now carries no further call, and an answer that runs is read to its end."""
    async with serving(ok(b"ab")) as server, sender() as upstream:
        running = answered(await upstream.send(call_to(server.port)))
        upstream.forget_connections()
        assert await running.read(10) == b"ab"
        running.close()
        answered(await upstream.send(call_to(server.port))).close()
    assert [len(visit.heads) for visit in server.visits] == [1, 1]


async def test_it_is_told_when_the_bytes_have_gone() -> None:
    """Once, with the whole request at the provider and no answer yet; never when there was no connection."""
    gone: list[str] = []
    came, go_on = asyncio.Event(), asyncio.Event()

    async def answer(visit: Visit) -> None:
        await visit.request()
        came.set()
        await go_on.wait()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(answer) as server, sender() as upstream:
        task = asyncio.create_task(upstream.send(call_to(server.port), lambda: gone.append("left")))
        await came.wait()
        assert gone == ["left"]
        go_on.set()
        answered(await task).close()
        port = server.port
    async with sender() as upstream:
        failed(await upstream.send(call_to(port), lambda: gone.append("never")))
    assert gone == ["left"]


async def test_it_is_told_before_anybody_else_has_a_turn() -> None:
    """What the call takes of its limits is charged then: on a connection that is there, the loop runs nothing between
    the beginning and `left`; where one is made, `meanwhile` comes before the waiting."""
    told: list[str] = []

    def others(name: str) -> None:
        asyncio.get_running_loop().call_soon(told.append, name)

    async with serving(ok()) as server, sender() as upstream:
        for name in ("dialled", "pooled"):
            others(name)
            call = call_to(server.port)
            answer = await upstream.send(call, lambda: told.append("left"), lambda: told.append("meanwhile"))
            response = answered(answer)
            await response.read(1000)
            response.close()
    assert told == ["meanwhile", "dialled", "left", "left", "pooled"]
