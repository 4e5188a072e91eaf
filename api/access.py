"""Who may ask, how often, and how much: keys, rate limits and sizes, before anything else is done.

Without any key issued everybody who reaches the server may read; it then listens on this machine only. To decide
(override, silence) takes a key of an operator in any case.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from api import problems
from api.clock import Clock
from warehouse.api_keys import Key, KeyRing
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS = ("/", "/health", "/health/live", "/openapi.json")
MOST_QUERY, MOST_BODY, MOST_HEADERS = 32 * 1024, 16 * 1024, 32 * 1024
Header = tuple[bytes, bytes]


def parse_limit(text: str) -> RateLimitItem:
    """`600/minute` and the like. Raises BadInput."""
    try:
        return parse(text)
    except ValueError:
        raise BadInput(f"SKYDUCK_API_RATE_LIMIT is {text!r}; expected something like 600/minute") from None


class Access:
    """ASGI middleware. `is_guarded`: a key is demanded even where none was issued yet."""

    def __init__(self, app: ASGIApp, ring: KeyRing, limit: RateLimitItem, clock: Clock, *, is_guarded: bool) -> None:
        self._app, self._ring, self._clock, self._is_guarded = app, ring, clock, is_guarded
        self._limit, self._limiter = limit, FixedWindowRateLimiter(MemoryStorage())
        self._policy = f'"default";q={limit.amount};w={limit.get_expiry()}'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (refused := self._too_large(scope)) is not None:
            await _refuse(scope, send, *refused)
            return
        if scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        try:
            key, reason = self._key(scope)
        except BadInput as error:  # the file of keys is damaged: nobody gets in
            await _refuse(scope, send, 503, str(error).split(": ")[-1], [])
            return
        counted = self._count(scope, key)
        if counted[0] < 0:
            seconds = counted[1]
            detail = f"more than {self._limit.amount} requests in {self._limit.get_expiry()} s; again in {seconds} s"
            wait = (b"retry-after", str(seconds).encode())
            await _refuse(scope, send, 429, detail, [*self._told(0, seconds), wait])
            return
        if reason is not None:
            challenge = (b"www-authenticate", b'Bearer realm="skyduck"')
            await _refuse(scope, send, 401, reason, [*self._told(*counted), challenge])
            return
        scope["state"]["key"] = key
        headers = self._told(*counted)

        async def with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await self._app(scope, receive, with_limits)

    def _too_large(self, scope: Scope) -> tuple[int, str, list[Header]] | None:
        if len(scope["query_string"]) + len(scope["raw_path"] or b"") > MOST_QUERY:
            return 414, f"the address is longer than {MOST_QUERY} bytes", []
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADERS:
            return 431, f"the headers are longer than {MOST_HEADERS} bytes", []
        headers = dict(scope["headers"])
        if b"transfer-encoding" in headers:
            return 411, "a body without its Content-Length is not read", []
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > MOST_BODY:
            return 413, f"the body is longer than {MOST_BODY} bytes", []
        return None

    def _key(self, scope: Scope) -> tuple[Key | None, str | None]:
        """The key, or why there is none to let in."""
        secret = _secret(dict(scope["headers"]))
        if secret is None:
            if self._is_guarded or not self._ring.is_empty():
                return None, "an API key is needed: Authorization: Bearer sky_… (`skyduck keys issue` makes one)"
            return None, None
        key = self._ring.find(secret)
        if key is None:
            return None, "this API key is not known here"
        refusal = key.refusal(self._clock())
        return key, None if refusal is None else f"this API key {refusal}"

    def _count(self, scope: Scope, key: Key | None) -> tuple[int, int]:
        """(requests left, or -1; seconds until the window ends) of whoever asks."""
        who = key.key_id if key else (scope.get("client") or ("?",))[0]
        is_within = self._limiter.hit(self._limit, who)
        ends, left = self._limiter.get_window_stats(self._limit, who)
        return left if is_within else -1, max(1, math.ceil(ends - time.time()))

    def _told(self, left: int, seconds: int) -> list[Header]:
        """Fields of draft-ietf-httpapi-ratelimit-headers."""
        now = f'"default";r={max(left, 0)};t={seconds}'.encode()
        return [(b"ratelimit-policy", self._policy), (b"ratelimit", now)]


def _secret(headers: dict[bytes, bytes]) -> str | None:
    scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return secret.strip()
    found = headers.get(b"x-api-key")
    return None if found is None and not scheme else (found or b"").decode("latin-1")


async def _refuse(scope: Scope, send: Send, status: int, detail: str, headers: list[Header]) -> None:
    content = problems.body(status, detail, scope["path"])
    about = [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*about, *headers]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
