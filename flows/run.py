"""One run: its clock, its name, what its steps brought back, and the record each of them leaves in `ml.runs`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from flows.clock import Clock, machine_stamp
from flows.dbt_log import DbtResult, Progress
from flows.meter import Meter
from warehouse.mask import Mask, mask_of
from warehouse.publish import Published
from warehouse.runs import StepRow, record
from warehouse.settings import Settings

if TYPE_CHECKING:
    from loader.summary import LoadSummary
    from ml.alerts.predict import AlertResult
    from ml.predict import PredictResult
    from ml.train import TrainResult
    from warehouse.alarms import Alarm

T = TypeVar("T")
_log = structlog.get_logger(__name__)
# How a step is called: plainly, or as a Prefect task of that name.
Call = Callable[[str, Callable[[], Any]], Any]


def plainly(name: str, step: Callable[[], T]) -> T:
    return step()


def new_run_id(now: datetime) -> str:
    """Sorts by the as-of clock; a rerun of the same moment is another run."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


@dataclass
class StepNote:
    """What a step says about itself, beside its cost."""

    n_rows: int | None = None
    n_calls: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """State of one run, filled step by step. `now` is the as-of clock."""

    settings: Settings
    flow: str
    now: datetime
    run_id: str
    progress: Progress  # what is under way; may be forgotten
    wait: bool = False
    force: bool = False
    announce: Progress = field(default=lambda line: None)  # what stays on the screen
    clock: Clock = field(init=False)
    mask: Mask = field(init=False)
    loads: LoadSummary | None = None
    stale: list[str] = field(default_factory=list)
    dbt: list[DbtResult] = field(default_factory=list)
    trained: list[TrainResult] = field(default_factory=list)
    predicted: PredictResult | None = None
    alerts: AlertResult | None = None
    decided: list[str] = field(default_factory=list)
    drifted: dict[str, str] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    published: Published | None = None
    exported: str | None = None  # what the export came to
    warnings: list[str] = field(default_factory=list)
    nothing_new: bool = False
    failure: Exception | None = None  # what ended it, once that is told
    steps: list[StepRow] = field(default_factory=list)
    _is_masked: bool = field(init=False, default=False)  # with what the warehouse has on record

    def __post_init__(self) -> None:
        self.clock, self.mask = Clock(self.now), mask_of(self.settings, with_record=False)

    @property
    def failed_sources(self) -> list[str]:
        return list(self.loads.failed) if self.loads is not None else []

    @contextmanager
    def step(self, name: str) -> Iterator[StepNote]:
        """Measures and records one step. A failed step is recorded with its error; the error goes on, masked."""
        note, started = StepNote(), self.clock.read()
        self.progress(name)
        if not self._is_masked:  # no other process has the warehouse open: the lock is held by now
            self.mask, self._is_masked = mask_of(self.settings), True
        meter = Meter()
        try:
            with self.mask.errors(), meter:
                yield note
        except BaseException as error:
            note.detail["error"] = self.mask.text(f"{type(error).__name__}: {error}")[:1000]
            with suppress(Exception):  # the step's own error is the one to report
                self._record(name, "failed", started, meter, note)
            raise
        self._record(name, "ok", started, meter, note)

    def _record(self, name: str, status: str, started: datetime, meter: Meter, note: StepNote) -> None:
        row = StepRow(
            run_id=self.run_id,
            flow=self.flow,
            step=name,
            as_of=self.now,
            started_at=started,
            finished_at=self.clock.read(),
            status=status,
            seconds=round(meter.seconds, 3),
            cpu_seconds=round(meter.cpu_seconds, 3),
            peak_mib=round(meter.peak_mib, 1),
            n_rows=note.n_rows,
            read_bytes=meter.bytes[0] if meter.bytes else None,
            written_bytes=meter.bytes[1] if meter.bytes else None,
            n_calls=note.n_calls,
            detail=note.detail | {"recorded_at": machine_stamp()},
        )
        self.steps.append(row)
        _log.info("step", step=name, status=status, seconds=row.seconds, peak_mib=row.peak_mib, n_rows=row.n_rows)
        record(self.settings, row)
        if name != "total":
            self.announce(f"{name}: {status}, {row.seconds:.1f} s")


# The run a command line has begun: a Prefect flow called in the same process takes it instead of beginning its own.
CURRENT: ContextVar[Run | None] = ContextVar("run", default=None)
