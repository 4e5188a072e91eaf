"""From an answer to bytes on the wire, broken ones included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from sample.answer import Answer

DRIP_BYTES = 64


class CutResponse(Response):
    """Promises the whole body, sends half of it and lets the connection fall."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await asyncio.sleep(0.02)  # the half must be on its way before the server hangs up


async def _drip(body: bytes, pause: float) -> AsyncIterator[bytes]:
    for start in range(0, len(body), DRIP_BYTES):
        yield body[start : start + DRIP_BYTES]
        await asyncio.sleep(pause)


def response(answer: Answer) -> Response:
    """The response object; `answer.delay` is for the caller to wait out."""
    headers = dict(answer.headers)
    if answer.cut:
        return CutResponse(answer.body, answer.status, headers, answer.media_type)
    if answer.pause:
        return StreamingResponse(_drip(answer.body, answer.pause), answer.status, headers, answer.media_type)
    return Response(answer.body, answer.status, headers, answer.media_type)
