"""Taking streams apart, wherever the chunks end."""

import itertools
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.providers.splitters import MAX_EVENT, Event, FrameSplitter, JsonSplitter, SseSplitter, splitter_for

SSE = 'event: first\ndata: {"a": "é한🙂"}\n\n: comment\nid: 1\ndata: one\ndata:two\n\ndata: [DONE]\n\n'.encode()
SSE_EVENTS = [("first", '{"a": "é한🙂"}'.encode()), ("", b"one\ntwo"), ("", b"[DONE]")]
ARRAY = '[{"a": "x]}\\"é"},\r\n{"b": [1, {"c": 2}]}\n]'.encode()
ARRAY_EVENTS = [("", '{"a": "x]}\\"é"}'.encode()), ("", b'{"b": [1, {"c": 2}]}')]


def frame(name: str, payload: bytes) -> bytes:
    header = b"".join(
        struct.pack("!B", len(key)) + key + b"\x07" + struct.pack("!H", len(value)) + value
        for key, value in ((b":event-type", name.encode()), (b":message-type", b"event"))
    )
    prelude = struct.pack("!II", 16 + len(header) + len(payload), len(header))
    whole = prelude + struct.pack("!I", zlib.crc32(prelude)) + header + payload
    return whole + struct.pack("!I", zlib.crc32(whole))


FRAMES = frame("contentBlockDelta", b'{"delta": {"text": "Hi"}}') + frame("messageStop", b"{}")
FRAME_EVENTS = [("contentBlockDelta", b'{"delta": {"text": "Hi"}}'), ("messageStop", b"{}")]


def fed(data: bytes, *cuts: int) -> list[Event]:
    splitter = splitter_for(data[:64])
    assert splitter is not None
    edges = [0, *sorted(cuts), len(data)]
    return [event for a, b in itertools.pairwise(edges) for event in splitter.feed(data[a:b])]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (SSE, SSE_EVENTS),
        (SSE.replace(b"\n", b"\r\n"), SSE_EVENTS),
        (SSE.replace(b"\n", b"\r"), SSE_EVENTS),
        (ARRAY, ARRAY_EVENTS),
        (FRAMES, FRAME_EVENTS),
        (b'{"done": false}\n{"done": true}\n', [("", b'{"done": false}'), ("", b'{"done": true}')]),
    ],
)
def test_every_cut_gives_the_same_events(data: bytes, events: list[Event]) -> None:
    """All line ends and framings; cut once at every place, and byte by byte."""
    assert fed(data) == events
    for cut in range(1, len(data)):
        assert fed(data, cut) == events, cut
    assert fed(data, *range(1, len(data))) == events


def test_what_a_stream_begins_with_decides() -> None:
    """White space and a byte order mark are passed over; anything that is not JSON or a frame is SSE."""
    assert splitter_for(b" \r\n\n") is None
    assert isinstance(splitter_for(b"\n\n{"), JsonSplitter)
    assert isinstance(splitter_for(b"\xef\xbb\xbf["), JsonSplitter)
    assert isinstance(splitter_for(b": keep-alive"), SseSplitter)
    assert isinstance(splitter_for(b"\0\0\0\x50"), FrameSplitter)


def test_a_line_of_100_mib_is_not_held() -> None:
    """An endless line is passed over in bounded memory, and the next event is read."""
    splitter = SseSplitter()
    splitter.feed(b"data: ")
    for _ in range(100):
        splitter.feed(b"x" * (1 << 20))
        assert sum(map(len, splitter._line)) <= MAX_EVENT
    assert splitter.feed(b"\n\ndata: next\n\n") == [("", b"next")]
    assert splitter.lost


def test_many_data_lines_are_not_held() -> None:
    """An event of endless lines is passed over as well."""
    splitter = SseSplitter()
    for _ in range(40):
        splitter.feed(b"data: " + b"y" * 65536 + b"\n")
    assert splitter.lost
    assert splitter._data_size > MAX_EVENT
    assert sum(map(len, splitter._data)) <= MAX_EVENT


def test_a_huge_json_object_is_not_held() -> None:
    """A picture of many megabytes within a chunk is passed over; the next object is read."""
    splitter = JsonSplitter()
    splitter.feed(b'[{"data": "')
    for _ in range(30):
        splitter.feed(b"A" * (1 << 17))
        assert sum(map(len, splitter._held)) <= MAX_EVENT
    assert splitter.feed(b'"}, {"b": 1}]') == [("", b'{"b": 1}')]
    assert splitter.lost
    assert splitter.closed


def test_a_huge_frame_is_passed_over() -> None:
    """A frame above the bound is skipped by its length; bytes that are no frame are skipped altogether."""
    splitter = FrameSplitter()
    big = frame("chunk", b"z" * (2 << 20))
    events = [event for at in range(0, len(big), 65536) for event in splitter.feed(big[at : at + 65536])]
    assert events == []
    assert splitter.feed(FRAMES) == FRAME_EVENTS
    rubbish = FrameSplitter()
    assert rubbish.feed(b"\0\0\0\x01" + b"?" * 100) == []
    assert rubbish.feed(FRAMES) == []
    assert rubbish.lost


@given(st.lists(st.binary(max_size=60), max_size=8), st.sampled_from([SseSplitter, JsonSplitter, FrameSplitter]))
def test_nothing_raises(chunks: list[bytes], kind: type[SseSplitter | JsonSplitter | FrameSplitter]) -> None:
    """Any bytes in any pieces, in any framing."""
    splitter = kind()
    for chunk in chunks:
        splitter.feed(chunk)
        splitter.pending()


def test_a_closing_array_is_a_closed_stream() -> None:
    """Gemini's array says by its bracket that it is whole; a bracket within a string does not."""
    splitter = JsonSplitter()
    splitter.feed(b'[{"a": "]"}')
    assert not splitter.closed
    splitter.feed(b"\n]")
    assert splitter.closed
