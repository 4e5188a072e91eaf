"""Answers of one publication, kept as they went out: the same question again costs no query.

What is served under /v1 depends on the publication and the request alone. Of many that ask the same at once, one asks
the warehouse. A new publication empties the cache.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from warehouse.errors import SkyduckError
from warehouse.reader import Reader

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/v1/"
LEAST_GZIP = 1024
GZIP_LEVEL = 4
Header = tuple[bytes, bytes]
Key = tuple[bytes, bytes, bytes, bool]


@dataclass(frozen=True)
class Kept:
    """An answer as it goes out. `route`: the path template that gave it."""

    headers: tuple[Header, ...]
    body: bytes
    etag: bytes
    route: str


class Cache:
    """ASGI middleware over the routes; `max_bytes` of bodies, the longest unused leave first."""

    def __init__(self, app: ASGIApp, reader: Reader, max_bytes: int) -> None:
        self._app, self._reader, self._max = app, reader, max_bytes
        self._of: tuple[str, bytes] | None = None  # name of the publication, its Last-Modified
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0
        self._asking: dict[Key, asyncio.Lock] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        try:
            self._look()
        except SkyduckError:  # nothing is published: the route says so
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"])
        key = (
            scope["path"].encode(),
            scope["query_string"],
            asked.get(b"accept", b"*/*"),
            _takes_gzip(asked.get(b"accept-encoding", b"")),
        )
        found = self._kept.get(key)
        if found is None:
            lock = self._asking.setdefault(key, asyncio.Lock())
            async with lock:
                found = self._kept.get(key) or await self._ask(scope, receive, send, key)
            if not lock.locked():
                self._asking.pop(key, None)
        else:
            self._kept.move_to_end(key)
        if found is not None:
            scope["state"]["route"] = found.route
            await _answer(found, asked, send, is_head=scope["method"] == "HEAD")

    def _look(self) -> None:
        """Empties the cache where another publication is read than the answers are of."""
        with self._reader.publication() as publication:
            name = f"{publication.name}:{publication.published_at:%Y%m%d%H%M%S%f}"
            if self._of is None or self._of[0] != name:
                modified = format_datetime(publication.published_at.replace(microsecond=0)).replace("-0000", "GMT")
                self._of = (name, modified.encode())
                self._kept.clear()
                self._bytes = 0

    async def _ask(self, scope: Scope, receive: Receive, send: Send, key: Key) -> Kept | None:
        """The answer of the routes: kept where it is one, else sent as it is."""
        assert self._of is not None
        of = self._of
        start: Message = {}
        chunks: list[bytes] = []

        async def listen(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))

        inner = {**scope, "method": "GET"}
        await self._app(inner, receive, listen)
        body = b"".join(chunks)
        scope["state"]["route"] = getattr(inner.get("route"), "path", "unknown")
        if start["status"] != 200:
            await send(start)
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
            return None
        headers = [(name, value) for name, value in start["headers"] if name not in (b"content-length", b"vary")]
        if key[3] and len(body) >= LEAST_GZIP and not _is_packed(dict(headers).get(b"content-type", b"")):
            body = await run_in_threadpool(gzip.compress, body, GZIP_LEVEL, mtime=0)
            headers.append((b"content-encoding", b"gzip"))
        etag = b'"' + hashlib.sha256(repr((of[0], key)).encode()).hexdigest()[:32].encode() + b'"'
        headers += [
            (b"etag", etag),
            (b"last-modified", of[1]),
            (b"cache-control", b"private, no-cache"),
            (b"vary", b"Accept, Accept-Encoding, Authorization"),
        ]
        kept = Kept(tuple(headers), body, etag, getattr(inner.get("route"), "path", "unknown"))
        if of == self._of and len(body) <= self._max // 4:
            self._kept[key] = kept
            self._bytes += len(body)
            while self._bytes > self._max:
                self._bytes -= len(self._kept.popitem(last=False)[1].body)
        return kept


def _takes_gzip(accepted: bytes) -> bool:
    parts = [part.strip().replace(b" ", b"") for part in accepted.lower().split(b",")]
    return any(part.split(b";")[0] == b"gzip" and not part.endswith(b";q=0") for part in parts)


def _is_packed(media_type: bytes) -> bool:
    return b"parquet" in media_type


async def _answer(kept: Kept, asked: dict[bytes, bytes], send: Send, *, is_head: bool) -> None:
    is_same = _is_same(kept, asked)
    headers = [*kept.headers]
    if is_same:
        headers = [(name, value) for name, value in headers if name not in (b"content-type", b"content-encoding")]
    else:
        headers.append((b"content-length", str(len(kept.body)).encode()))
    await send({"type": "http.response.start", "status": 304 if is_same else 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_same or is_head else kept.body})


def _is_same(kept: Kept, asked: dict[bytes, bytes]) -> bool:
    """If-None-Match rules; If-Modified-Since counts only without it (RFC 9110, 13.2.2)."""
    if (tags := asked.get(b"if-none-match")) is not None:
        named = [tag.strip().removeprefix(b"W/") for tag in tags.split(b",")]
        return b"*" in named or kept.etag in named
    if (since := asked.get(b"if-modified-since")) is None:
        return False
    try:
        modified = parsedate_to_datetime(dict(kept.headers)[b"last-modified"].decode())
        return parsedate_to_datetime(since.decode()) >= modified
    except (ValueError, TypeError, UnicodeDecodeError):
        return False
