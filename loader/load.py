"""The load: plan what is due, fetch it, keep it. Progress is committed in batches, so that a kill loses little."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import structlog

from loader.http import Client
from loader.lanes import Breaker, side_by_side
from loader.plan import days_between, plan
from loader.record import Outcome, Result, results
from loader.source import DAY, Context, Endpoint, Mode, Request, Source, choose
from loader.summary import Allowance, LoadSummary, SourceSummary
from loader.work import Task, Worker
from warehouse import ledger, raw
from warehouse.catalog import Catalog, load_catalog
from warehouse.connection import connect
from warehouse.errors import BadInput
from warehouse.faultpoint import reach
from warehouse.settings import Settings

BATCH_REQUESTS, BATCH_BYTES, BATCH_SECONDS = 64, 50_000_000, 30.0
SECONDS_BETWEEN_LINES = 2.0
HOUR, MONTH = timedelta(hours=1), timedelta(days=30)
log = structlog.get_logger(__name__)


def load(
    settings: Settings,
    *,
    now: datetime,
    run_id: str,
    mode: Mode = "live",
    since: date | None = None,
    until: date | None = None,
    sources: list[str] | None = None,
    subjects: list[str] | None = None,
    progress: Callable[[str], None] = print,
) -> LoadSummary:
    """Brings raw up to date: days since..until (default: the last `history_days` up to now) that are due.

    A source that fails does not stop the others; see `LoadSummary.failed`. Interrupted at any point, the next call
    goes on from what was committed. Raises BadInput for an unknown source or subject, or an empty range.
    """
    chosen = choose(sources)
    catalog = _narrowed(load_catalog(settings.seeds_dir), subjects)
    first, last = since or (now.date() - timedelta(days=settings.history_days)), until or now.date() + DAY
    if first > min(last, now.date() + DAY):
        raise BadInput(
            f"nothing to load from {first} to {last}: the first day must not be after the last, nor after today"
        )
    served = [(source, endpoint) for source in chosen for endpoint in source.endpoints(catalog)]
    summary = LoadSummary()
    worker = Worker(settings, Breaker(settings.give_up_after))
    try:
        if any(not endpoint.by_file for _, endpoint in served):
            worker.client = Client(settings)
        with connect(settings) as con:
            context = Context(settings, catalog, now, mode=mode, say=progress)
            jobs = [_job(con, source, endpoint, context, first, last) for source, endpoint in served]
            summary.sources = [job.summary for job in jobs]
            _run(con, worker, jobs, run_id=run_id, now=now, progress=progress)
            summary.allowances = _allowances(con, jobs, now)
    finally:
        worker.close()
    return summary


def _narrowed(catalog: Catalog, subjects: Sequence[str] | None) -> Catalog:
    """Only the series whose subject or place is named."""
    if subjects is None:
        return catalog
    wanted = set(subjects)
    unknown = sorted(wanted - {name for s in catalog.series for name in (s.subject, s.place_id)})
    if unknown:
        raise BadInput(f"no series has the subject or place {unknown[0]!r}; see series.csv in the seeds")
    return replace(catalog, series=tuple(s for s in catalog.series if wanted & {s.subject, s.place_id}))


@dataclass(frozen=True)
class Job:
    """The requests of one endpoint, and what became of them."""

    source: Source
    context: Context
    requests: list[Request]
    summary: SourceSummary


def _job(
    con: raw.Connection, source: Source, endpoint: Endpoint, context: Context, since: date, until: date
) -> Job:  # fmt: skip
    """Plans one endpoint from the ledger."""
    now, name = context.now, (endpoint.source, endpoint.name)
    context = replace(
        context,
        previous=ledger.stable_fields(con, *name, source.STABLE, now=now),
        first_attempts=ledger.first_attempts(con, *name, now=now),
    )
    planned = []
    if endpoint.by_file:
        context = replace(context, read_files=frozenset(ledger.ledger_reasons(con, endpoint.source, now=now)))
    elif days := days_between(since, until, endpoint, now=now):
        states = ledger.day_states(con, *name, now=now, start=days[0], end=days[-1] + DAY)
        planned = plan(endpoint, days, states=states, first_attempts=context.first_attempts, now=now, mode=context.mode)
    requests = list(source.requests(endpoint, planned, context))
    n_windows = sum(len(request.planned) for request in requests)
    log.debug("planned", source=endpoint.source, endpoint=endpoint.name, windows=n_windows, requests=len(requests))
    return Job(source, context, requests, SourceSummary(endpoint.source, endpoint.name, n_windows))


def _run(
    con: raw.Connection, worker: Worker, jobs: Sequence[Job], *, run_id: str, now: datetime,
    progress: Callable[[str], None],
) -> None:  # fmt: skip
    """Fetches and keeps all requests of the jobs, the upstreams side by side."""
    for job in jobs:
        if job.requests and job.requests[0].host and worker.limited:
            for at, weight in ledger.weight_used(con, job.source.NAME, now=now, within=MONTH):
                worker.remember(job.requests[0].host, (now - at).total_seconds(), weight)
    tasks = [Task(n, job.source, request, job.context) for n, job in enumerate(jobs) for request in job.requests]
    store, told = _Store(con), time.monotonic()
    for task, outcome in side_by_side(tasks, worker.do, Task.lane):
        summary = jobs[task.job].summary
        _tally(summary, outcome)
        for result in results(outcome, run_id=run_id, now=now):
            summary.count(result.status, result.reason)
            summary.n_hours, summary.n_values = summary.n_hours + result.n_hours, summary.n_values + result.n_values
            store.add(summary, result)
        store.flush_if_full()
        if time.monotonic() - told > SECONDS_BETWEEN_LINES:
            progress(summary.line())
            told = time.monotonic()
    store.flush()
    for summary in (job.summary for job in jobs if job.requests):
        summary.n_windows = summary.n_done  # a file turns out to hold several
        progress(summary.line() + (f"; {summary.error}" if summary.error else ""))
        log.info(
            "loaded", source=summary.source, endpoint=summary.endpoint, ok=summary.n_ok, empty=summary.n_empty,
            failed=summary.n_failed, rejected=summary.n_rejected, calls=summary.n_calls, error=summary.error,
        )  # fmt: skip


def _tally(summary: SourceSummary, outcome: Outcome) -> None:
    summary.n_calls += outcome.fetched.n_calls
    summary.weight += outcome.fetched.weight
    summary.seconds += outcome.fetched.seconds


def _allowances(con: raw.Connection, jobs: Sequence[Job], now: datetime) -> list[Allowance]:
    """Of an hour and longer: within a shorter limit the load waits. Attempts of a run count as made when it began."""
    hosts = {job.source.NAME: job.requests[0].host for job in jobs if job.requests}
    return [
        Allowance(
            name, most, seconds, sum(weight for _, weight in ledger.weight_used(con, name, now=now, within=within))
        )
        for name, host in sorted(hosts.items())
        for most, seconds in (host.limits if host else ())
        if (within := timedelta(seconds=seconds)) >= HOUR
    ]


@dataclass
class _Store:
    """What has come in and is not committed yet."""

    con: raw.Connection
    pending: list[tuple[SourceSummary, Result]] = field(default_factory=list)
    n_requests: int = 0
    n_bytes: int = 0
    since: float = field(default_factory=time.monotonic)

    def add(self, summary: SourceSummary, result: Result) -> None:
        self.pending.append((summary, result))
        self.n_bytes += result.answer.payload.n_bytes if result.answer.payload else 0

    def flush_if_full(self) -> None:
        self.n_requests += 1
        waited = time.monotonic() - self.since
        if self.n_requests >= BATCH_REQUESTS or self.n_bytes >= BATCH_BYTES or waited >= BATCH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """One transaction for all that is pending."""
        if self.pending:
            reach("load.after_fetch")
            flags = raw.append(self.con, [result.answer for _, result in self.pending])
            reach("load.after_commit")
            for (summary, _), is_new in zip(self.pending, flags, strict=True):
                summary.n_new_bodies += is_new
        self.pending, self.n_requests, self.n_bytes, self.since = [], 0, 0, time.monotonic()
