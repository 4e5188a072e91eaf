"""One call, done politely: limits, timeouts, retries with jitter, waits that the server names, bounded memory."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

import httpx
import stamina

from loader.answer import KEPT_OF_HUGE, Fetched, GiveUp, TryAgain, judge
from loader.limits import Bucket, LimitSpent
from loader.source import Host, Request
from warehouse.errors import BadInput
from warehouse.settings import Settings


class Client:
    """A connection pool and the buckets of one run; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        is_sample = settings.upstream == "sample"
        if is_sample and not settings.sample_url:
            raise BadInput(
                "no sample server to load from: SKYDUCK_SAMPLE_URL is not set (`skyduck run` and `skyduck load` start "
                "one; SKYDUCK_UPSTREAM=live uses the live APIs)"
            )
        self.settings = settings
        self.limited = not is_sample or settings.sample_limits == "documented"
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()
        self._http = httpx.Client(
            timeout=httpx.Timeout(settings.http_read_seconds, connect=min(10.0, settings.http_read_seconds)),
            headers={"user-agent": "skyduck", "accept": "application/json", "accept-encoding": "gzip"},
            trust_env=not is_sample,  # a proxy of the environment has no business between us and the sample
        )

    def close(self) -> None:
        self._http.close()

    def bucket(self, host: Host) -> Bucket:
        with self._lock:
            if host.bucket not in self._buckets:
                self._buckets[host.bucket] = Bucket(host.limits)
            return self._buckets[host.bucket]

    def fetch(self, request: Request) -> Fetched:
        """The answer to one request after as many tries as it deserves. Raises GiveUp for the whole host."""
        host, scale = _host(request), self.settings.retry_wait_scale
        started, n_calls, weight = time.monotonic(), 0, 0.0
        try:
            for attempt in stamina.retry_context(
                on=self._pause, attempts=self.settings.http_attempts, timeout=None,
                wait_initial=0.5 * scale, wait_max=30 * scale, wait_jitter=1.0 * scale,
            ):  # fmt: skip
                with attempt:
                    if self.limited:
                        self.bucket(host).take(request.weight)
                    n_calls, weight = n_calls + 1, weight + 1.0  # an error costs 1
                    found = self._once(request, host)
                    weight += request.weight - 1.0 if found.outcome in ("body", "rejected") else 0.0
                    return replace(found, n_calls=n_calls, weight=weight, seconds=time.monotonic() - started)
        except LimitSpent as spent:
            raise GiveUp(f"{host.name}: {spent}; the next run goes on from here") from None
        except TryAgain as failure:
            reason = f"{failure.reason} ({n_calls} tries)"
            if failure.status == 429:
                raise GiveUp(f"{host.name}: {reason}", 429) from None
            return Fetched(
                "failed",
                b"",
                reason,
                failure.status,
                is_down=True,
                n_calls=n_calls,
                weight=weight,
                seconds=time.monotonic() - started,
            )
        raise AssertionError("retry_context always returns or raises")

    def _pause(self, error: Exception) -> bool | timedelta:
        """Whether to try again, and after how long where the server says so."""
        if not isinstance(error, TryAgain):
            return False
        if error.wait is None:
            return True
        return timedelta(seconds=error.wait * self.settings.retry_wait_scale)

    def _once(self, request: Request, host: Host) -> Fetched:
        live = self.settings.upstream == "live"
        base = f"https://{host.name}" if live else f"{(self.settings.sample_url or '').rstrip('/')}/{host.name}"
        params = request.params + (request.secret_params if live else ())
        headers = dict(request.secret_headers) if live else {}
        try:
            with self._http.stream("GET", base + request.path, params=list(params), headers=headers) as response:
                raw, whole = self._read(response)
        except httpx.TimeoutException as error:
            raise TryAgain(f"no answer from {host.name} in time ({type(error).__name__})") from None
        except httpx.TransportError as error:
            raise TryAgain(f"{host.name} cannot be reached: {str(error) or type(error).__name__}") from None
        return judge(response, raw, whole, host, most_mib=self.settings.http_max_mib)

    def _read(self, response: httpx.Response) -> tuple[bytes, bool]:
        """The bytes on the wire, and whether they are all there; a slow drip ends at http_total_seconds."""
        deadline = time.monotonic() + self.settings.http_total_seconds
        most = int(self.settings.http_max_mib * (1 << 20))
        parts, size = [], 0
        for chunk in response.iter_raw():
            parts.append(chunk)
            size += len(chunk)
            if size > most:
                return b"".join(parts)[:KEPT_OF_HUGE], False
            if time.monotonic() > deadline:
                raise TryAgain(f"the answer was not whole after {self.settings.http_total_seconds:g} s")
        return b"".join(parts), True


def _host(request: Request) -> Host:
    if request.host is None:
        raise AssertionError("a request without a host is a file, not a call")
    return request.host
