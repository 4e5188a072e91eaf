"""One request from start to verdict; runs in the threads of the lanes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from loader.answer import KEPT_OF_HUGE, Fetched
from loader.body import rejected_all
from loader.http import Client
from loader.lanes import Breaker
from loader.record import Outcome
from loader.source import Checked, Context, Host, Request, Source
from warehouse.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Task:
    """job: which endpoint of the run the request belongs to."""

    job: int
    source: Source
    request: Request
    context: Context

    def lane(self) -> tuple[str, int]:
        host = self.request.host
        return (host.bucket, host.concurrency) if host else (self.source.NAME, 1)


class Worker:
    """The client and the breaker that all tasks of a run share."""

    def __init__(self, settings: Settings, breaker: Breaker) -> None:
        self.settings, self.breaker = settings, breaker
        self.client: Client | None = None
        keys = (settings.open_meteo_api_key, settings.data_gov_sg_api_key)
        self._secrets = [key.get_secret_value() for key in keys if key and key.get_secret_value()]

    @property
    def limited(self) -> bool:
        return self.client is not None and self.client.limited

    def remember(self, host: Host, seconds_ago: float, weight: float) -> None:
        """Weight that earlier runs used up."""
        if self.client:
            self.client.bucket(host).remember(seconds_ago, weight)

    def close(self) -> None:
        if self.client:
            self.client.close()

    def do(self, task: Task) -> Outcome:
        """Never raises for what an upstream or a file may hold."""
        request = task.request
        fetched = self._clean(self._fetch(request))
        checked: tuple[Checked, ...] = ()
        if fetched.outcome == "rejected":
            checked = tuple(rejected_all(request.planned, fetched.content, fetched.reason or ""))
        elif fetched.outcome == "body":
            checked = tuple(task.source.check(request, fetched.content, task.context))
        reason = fetched.reason or next((c.reason for c in checked if c.status == "rejected"), None)
        if fetched.n_calls:
            # no answer, or one that is no JSON at all: a proxy's page or a broken server rather than odd data
            useless = bool(checked) and all(c.status == "rejected" and c.document is None for c in checked)
            self.breaker.note(request, is_down=fetched.is_down or useless, reason=reason)
        log.debug(
            "fetched", source=task.source.NAME, endpoint=request.endpoint.name, subjects=len(request.planned),
            window=str(request.window.start), outcome=fetched.outcome, status=fetched.http_status, reason=reason,
        )  # fmt: skip
        return Outcome(request, replace(fetched, content=b""), checked)

    def _fetch(self, request: Request) -> Fetched:
        if request.file is not None:
            return _read_file(request.file, int(self.settings.http_max_mib * (1 << 20)))
        if self.client is None:
            raise AssertionError("a call was planned without a client")
        return self.breaker.call(request, self.client.fetch)

    def _clean(self, fetched: Fetched) -> Fetched:
        """A server that quotes the key back does not get it into the warehouse."""
        reason, content = fetched.reason, fetched.content
        for secret in self._secrets:
            reason = reason.replace(secret, "***") if reason else reason
            content = content.replace(secret.encode(), b"***")
        return replace(fetched, reason=reason, content=content)


def _read_file(file: Path, most: int) -> Fetched:
    try:
        with file.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        return Fetched("failed", reason=f"{file.name} cannot be read: {error.strerror}", n_calls=0)
    if len(content) > most:
        reason = f"{file.name}: more than {most >> 20} MiB; split the file"
        return Fetched("rejected", content[:KEPT_OF_HUGE], reason, n_calls=0)
    return Fetched("body", content, n_calls=0)
