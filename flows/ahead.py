"""Several datasets to train: the next ones are learnt while the last one is judged and put on record.

Only the thread that asks opens the warehouse; learning reads panels alone, so it may run beside it, or on another
machine (ml.engine). Half of a training keeps one core busy (LightGBM's threads are idle while features are made), which
is why two are learnt here at a time, and on a cluster as many as it has CPUs.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import ExitStack
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING

from flows.run import Run
from ml import engine
from warehouse.errors import SkyduckError

if TYPE_CHECKING:
    from ml.learn import Learnt

AT_ONCE = 2


class Ahead:
    """A context manager. `datasets` in the order in which they will be asked for."""

    def __init__(self, run: Run, datasets: list[str]) -> None:
        self._run = run
        self._waiting = list(datasets)
        self._begun: dict[str, Future[Learnt]] = {}
        self._left = Event()
        self._open = ExitStack()

    def __enter__(self) -> Ahead:
        if self._waiting:  # a cluster is asked only where there is something to ask
            self._pool = self._open.enter_context(engine.workers(self._run.settings, AT_ONCE))
            self._at_once = engine.width(self._run.settings, AT_ONCE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._left.set()
        self._open.close()

    def learnt(self, dataset: str) -> Learnt:
        """What this dataset's training found; raises what it raised. Begins the next one before it waits."""
        while self._waiting and (dataset not in self._begun or len(self._begun) < self._at_once):
            name = self._waiting.pop(0)
            self._begun[name] = self._begin(name)
        return self._begun.pop(dataset).result()

    def _begin(self, dataset: str) -> Future[Learnt]:
        from ml.backtest import with_covariates
        from ml.learn import learn, prepared

        settings, now = self._run.settings, self._run.now
        try:
            asked, windows, panels = prepared(settings, dataset, now)
            params = with_covariates(settings, asked)
        except Exception as error:  # it belongs to the step of this dataset
            refused: Future[Learnt] = Future()
            refused.set_exception(error)
            return refused
        progress = engine.carried(settings, self._progress)
        return self._pool.submit(learn, panels, windows, asked, params, progress)

    def _progress(self, line: str) -> None:
        """Ends a training that nobody waits for any more: the run was stopped, or failed."""
        if self._left.is_set():
            raise SkyduckError("the run has ended")
        self._run.progress(line)
