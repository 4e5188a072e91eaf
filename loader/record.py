"""From what came back to the rows that are kept: one body per subject, and the ledger's lines.

A window whose days fared differently gets one line per stretch of days that fared alike (complete, with gaps, or
empty), so that only the days in want of something are asked for again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

import orjson

from loader.answer import Fetched
from loader.body import joined
from loader.source import DAY, HOUR, Checked, Planned, Request, Window
from warehouse.raw import Answer, Load, Payload


@dataclass(frozen=True)
class Outcome:
    """A request that was answered, refused or never sent. checked is empty unless bytes came."""

    request: Request
    fetched: Fetched
    checked: tuple[Checked, ...] = ()


@dataclass(frozen=True)
class Result:
    """How one window ended: ok, empty, failed or rejected."""

    status: str
    reason: str | None
    n_hours: int
    n_values: int
    answer: Answer


def results(outcome: Outcome, *, run_id: str, now: datetime) -> list[Result]:
    """Rows for every window of the request. The call's weight stands in its first line only."""
    fetched, made = outcome.fetched, []
    if fetched.outcome in ("failed", "empty"):
        for planned in outcome.request.planned:
            load = _load(outcome, planned, run_id, now, status=fetched.outcome, reason=fetched.reason)
            made.append(Result(fetched.outcome, fetched.reason, 0, 0, Answer(None, (load,))))
    for checked in outcome.checked:
        lines = tuple(_lines(outcome, checked, run_id, now))
        n_hours = sum(line.n_present for line in lines)
        empty = checked.status == "ok" and not n_hours and any(line.n_expected for line in lines)
        status = "empty" if empty else checked.status
        answer = Answer(_payload(outcome, checked, run_id, now), lines)
        made.append(Result(status, checked.reason, n_hours, checked.n_values, answer))
    return [_without_cost(result) if n else _first_line_costs(result) for n, result in enumerate(made)]


def _lines(outcome: Outcome, checked: Checked, run_id: str, now: datetime) -> Iterator[Load]:
    planned, window = checked.planned, checked.planned.window
    if checked.status == "rejected":
        yield _load(outcome, planned, run_id, now, status="rejected", reason=checked.reason)
        return
    present = [stamp for stamp in checked.present if window.start <= stamp < window.end and stamp < now]
    notes = [f"incomplete: {checked.incomplete}"] if checked.incomplete else []
    reason = joined([*notes, *([checked.reason] if checked.reason else [])])
    for stretch in [window] if checked.incomplete or outcome.request.endpoint.by_file else _alike(window, present, now):
        inside = [stamp for stamp in present if stretch.start <= stamp < stretch.end]
        expected = expected_hours(stretch, now)
        line = _load(
            outcome, replace(planned, window=stretch), run_id, now,
            status="ok" if inside or not expected else "empty", reason=reason,
        )  # fmt: skip
        yield replace(line, n_present=len(inside), last_observed_at=max(inside, default=None))


def _alike(window: Window, present: list[datetime], now: datetime) -> list[Window]:
    """The window in stretches of days that are all complete, all with gaps, or all empty."""
    counts = Counter((stamp - window.start) // DAY for stamp in present)

    def state(n: int) -> str:
        start = window.start + n * DAY
        if counts[n] >= expected_hours(Window(start, min(start + DAY, window.end)), now):
            return "complete"
        return "gaps" if counts[n] else "empty"

    made = []
    for _, group in groupby(range(window.n_days), key=state):
        days = list(group)
        made.append(Window(window.start + days[0] * DAY, min(window.start + (days[-1] + 1) * DAY, window.end)))
    return made


def expected_hours(window: Window, now: datetime) -> int:
    """Hours of the window that have begun before now."""
    end = min(window.end, now)
    return max(0, -((window.start - end) // HOUR))


def _payload(outcome: Outcome, checked: Checked, run_id: str, now: datetime) -> Payload | None:
    if checked.document is None and checked.text is None:
        return None
    endpoint, planned = outcome.request.endpoint, checked.planned
    body = None
    if checked.document is not None:
        body = checked.text or orjson.dumps(checked.document).decode()
    digest = orjson.dumps(checked.digest, option=orjson.OPT_SORT_KEYS)
    return Payload(
        run_id, endpoint.source, endpoint.name, planned.subject, planned.window.start, planned.window.end, now,
        planned.mode, checked.status, checked.reason, hashlib.sha256(digest).hexdigest(),
        body, checked.text if body is None else None, len((body or checked.text or "").encode()),
    )  # fmt: skip


def _load(outcome: Outcome, planned: Planned, run_id: str, now: datetime, *, status: str, reason: str | None) -> Load:
    endpoint, fetched, window = outcome.request.endpoint, outcome.fetched, planned.window
    return Load(
        run_id, endpoint.source, endpoint.name, planned.subject, window.start, window.end, now, status, reason,
        expected_hours(window, now), 0, None, fetched.http_status, fetched.weight, fetched.seconds,
    )  # fmt: skip


def _without_cost(result: Result) -> Result:
    loads = tuple(replace(load, weight=0.0, seconds=0.0) for load in result.answer.loads)
    return replace(result, answer=replace(result.answer, loads=loads))


def _first_line_costs(result: Result) -> Result:
    first, *rest = result.answer.loads
    free = _without_cost(replace(result, answer=replace(result.answer, loads=tuple(rest)))).answer.loads
    return replace(result, answer=replace(result.answer, loads=(first, *free)))
