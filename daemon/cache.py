"""Answers on disk, each in a file of its own, readable for the user alone. What is not whole or not ours is dropped.

A file is a line with the digest of what follows, a line of JSON (`Answer` without its body), and the body. Its name
is the name of the call, which holds no secret; the question is not stored. All here may block: call it in a thread.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from daemon.model import Headers
from daemon.phrases import phrase
from daemon.whole import whole_file

FORM: Final = 1
LOOK_S: Final = 3600.0
"""How often what is too old is looked for, while the cache is used."""
_END: Final = ".answer"
_log = logging.getLogger("sluice.cache")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole successful answer."""

    call: str
    """Id of the call that got it from the provider."""
    at: float
    """When, in Unix seconds."""
    status: int
    reason: str
    headers: Headers
    stream: bool
    body: bytes = b""


class AnswerCache:
    """The folder `answers` in the state directory. It is made when the first answer is kept."""

    def __init__(
        self, folder: Path, *, max_age_s: float, max_bytes: int, max_body: int, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder / "answers"
        self.max_age_s = max_age_s
        self.max_bytes = max_bytes
        self.max_body = max_body
        self._clock = clock
        self._lock = threading.Lock()
        self._bytes: int | None = None
        """Of all files; None: not counted yet."""
        self._looked_at = float("-inf")

    def get(self, name: str) -> Answer | None:
        """The answer of that NAME, or None. One that is too old or damaged is deleted."""
        self._expire_in_time()
        path = self._path(name)
        try:
            answer = _read(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning(phrase("log.cache_damaged", why=str(error)))
            answer = None
        if answer is not None and 0 <= self._clock() - answer.at <= self.max_age_s:
            return answer
        with self._lock:
            self._delete(path)
        return None

    def put(self, name: str, answer: Answer) -> bool:
        """Keep ANSWER; the oldest go when there is no room. False when it is too large, or the disk does not take
        it."""
        if len(answer.body) > min(self.max_body, self.max_bytes):
            return False
        data = _written(answer)
        self._expire_in_time()
        with self._lock:
            try:
                self._make_room(len(data))
                path = self._path(name)
                old = _size(path)
                _write(path, data)
            except OSError as error:
                _log.warning(phrase("log.not_cached", why=error.strerror or type(error).__name__))
                return False
            self._bytes = (self._bytes or 0) + len(data) - old
        return True

    def expire(self) -> int:
        """Delete what is too old to be given, by the time of its file: nobody may ask for it again. Return how many."""
        self._looked_at = now = self._clock()
        with self._lock:
            old = [path for path in self._files() if 0.0 < _age(path) < now - self.max_age_s]
            for path in old:
                self._delete(path)
        return len(old)

    def clear(self) -> int:
        """Delete all; return how many."""
        with self._lock:
            files = self._files()
            for path in files:
                self._delete(path)
            self._bytes = 0
        return len(files)

    def health(self) -> dict[str, Any]:
        """How many answers there are, how many bytes, and the bounds."""
        with self._lock:
            files = self._files()
            self._bytes = sum(_size(path) for path in files)
        return {
            "answers": len(files),
            "bytes": self._bytes,
            "max_bytes": self.max_bytes,
            "max_age_s": self.max_age_s,
            "path": str(self.folder),
        }

    def _expire_in_time(self) -> None:
        """At the first use, and then about once an hour; nothing wakes for it."""
        if not 0 <= self._clock() - self._looked_at < LOOK_S:
            self.expire()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_END}"

    def _files(self) -> list[Path]:
        with suppress(OSError):
            return [path for path in self.folder.iterdir() if path.suffix in (_END, ".half")]
        return []

    def _make_room(self, size: int) -> None:
        """Make the folder, and let the oldest go until SIZE more fits: a tenth more, so that not every call does so.
        Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._bytes is None:
            self._bytes = sum(_size(path) for path in self._files())
        if self._bytes + size <= self.max_bytes:
            return
        for path in sorted(self._files(), key=_age):
            if self._bytes + size <= 0.9 * self.max_bytes:
                break
            self._delete(path)

    def _delete(self, path: Path) -> None:
        size = _size(path)
        with suppress(OSError):
            path.unlink()
            if self._bytes is not None:
                self._bytes = max(0, self._bytes - size)


def _written(answer: Answer) -> bytes:
    about = {**asdict(replace(answer, body=b"")), "form": FORM}
    del about["body"]
    rest = json.dumps(about).encode() + b"\n" + answer.body
    return _digest(rest) + b"\n" + rest


def _read(path: Path) -> Answer:
    """Raises OSError, ValueError, KeyError, TypeError."""
    digest, _, rest = path.read_bytes().partition(b"\n")
    if digest != _digest(rest):
        raise ValueError("its digest is another one")
    head, _, body = rest.partition(b"\n")
    about = json.loads(head)
    if about.pop("form") != FORM:
        raise ValueError("another form")
    headers = tuple((str(name), str(value)) for name, value in about.pop("headers"))
    return Answer(**about, headers=headers, body=body)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).hexdigest().encode()


def _write(path: Path, data: bytes) -> None:
    """Write DATA whole or not at all. Raises OSError. It is not waited for the disk: half a file has a wrong digest."""
    with whole_file(path, path.with_suffix(".half")) as file:
        file.write(data)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
