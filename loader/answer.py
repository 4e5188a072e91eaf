"""What an HTTP answer means: a body, nothing there, a refusal, a reason to wait."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx

from loader.source import Host

LONGEST_429 = 120.0  # seconds; a server that wants a longer wait is left alone for this run
KEPT_OF_HUGE = 1 << 20  # bytes kept of a body over the limit
RETRIED = (500, 502, 503, 504)


@dataclass(frozen=True)
class Fetched:
    """outcome rejected: bytes came, but they are unusable before any look at their meaning (huge, bad gzip).

    is_down: the host did not answer at all, which counts towards giving up on it.
    """

    outcome: Literal["body", "empty", "failed", "rejected"]
    content: bytes = b""
    reason: str | None = None
    http_status: int | None = None
    is_down: bool = False
    n_calls: int = 1
    weight: float = 0.0
    seconds: float = 0.0


class TryAgain(Exception):
    """The same call may well succeed after a wait."""

    def __init__(self, reason: str, *, status: int | None = None, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.status, self.wait = reason, status, wait


class GiveUp(Exception):
    """This host is not worth another call in this run."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


def judge(response: httpx.Response, raw: bytes, whole: bool, host: Host, *, most_mib: float) -> Fetched:
    """What an answer means before any look at its content. Raises TryAgain or GiveUp."""
    status, most = response.status_code, most_mib
    huge = f"a body over {most:g} MiB; the first {KEPT_OF_HUGE >> 20} MiB is kept"
    if not whole:
        return Fetched("rejected", raw, huge, status)
    content = raw
    if response.headers.get("content-encoding", "").lower() == "gzip":
        try:
            content, whole = gunzip(raw, int(most * (1 << 20)))
        except zlib.error as error:
            return Fetched("rejected", raw, f"bad gzip: {error}; expected a gzip stream", status)
        if not whole:
            return Fetched("rejected", content[:KEPT_OF_HUGE], huge, status)
    text = content[:2000].decode("utf-8", "replace")
    if status == 204 or (len(content) < 2000 and any(words in text for words in host.empty_words)):
        return Fetched("empty", reason=" ".join(text.split())[:200] or None, http_status=status)
    if status == 200:
        return Fetched("body", content, http_status=status)
    return _refused(response, " ".join(text.split())[:300], host)


def _refused(response: httpx.Response, text: str, host: Host) -> Fetched:
    status, said = response.status_code, f"HTTP {response.status_code} from {host.name}: {text or 'no text'}"
    wait = retry_after(response)
    if status == 429:
        if any(word in text for word in host.give_up_words):
            raise GiveUp(f"{said}; the next run goes on from here", status)
        if wait is None and not any(word in text for word in host.busy_words):
            wait = _seconds_in(text) or host.wait_429
        if wait is not None and wait > LONGEST_429:
            raise GiveUp(f"{said}; it asks to wait {wait:,.0f} s", status)
        raise TryAgain(said, status=status, wait=wait)
    if status in RETRIED:
        raise TryAgain(said, status=status, wait=wait if wait is None or wait <= LONGEST_429 else None)
    if status in (401, 403):
        raise GiveUp(f"{said}; check the API key of this source", status)
    return Fetched("failed", reason=said, http_status=status)


def gunzip(raw: bytes, most: int) -> tuple[bytes, bool]:
    """The content, and whether it is whole within `most` bytes. Raises zlib.error for a damaged or cut stream."""
    content = b""
    while raw:  # a gzip file may hold several streams, one after the other
        stream = zlib.decompressobj(wbits=31)
        content += stream.decompress(raw, most + 1 - len(content))
        if len(content) > most:
            return content, False
        if not stream.eof:
            raise zlib.error("the stream ends too early")
        raw = stream.unused_data.lstrip(b"\0")
    return content, True


def retry_after(response: httpx.Response) -> float | None:
    """Seconds of the Retry-After header, in either of its two forms."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        until, at = parsedate_to_datetime(value), parsedate_to_datetime(response.headers.get("date", ""))
        return max(0.0, (until - at).total_seconds())
    except (TypeError, ValueError):
        return None


def _seconds_in(text: str) -> float | None:
    """'try again in 10 seconds' -> 10; 'in one minute' -> 60."""
    if named := re.search(r"in (\d{1,4}) seconds", text):
        return float(named.group(1))
    return 60.0 if "one minute" in text else None
