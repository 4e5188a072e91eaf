"""Several datasets to train: the next one is learnt while the last one is judged and put on record.

Only the thread that asks opens the warehouse; learning reads panels alone, so it may run beside it. Half of a training
keeps one core busy (LightGBM's threads are idle while features are made), which is why two are learnt at a time.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from flows.run import Run
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

    def __enter__(self) -> Ahead:
        # sums are made by one core (ml.ridge); a limit that each thread set and lifted would lift the other's
        self._limits = threadpool_limits(1)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="learn")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._left.set()
        self._pool.shutdown(cancel_futures=True)
        self._limits.restore_original_limits()

    def learnt(self, dataset: str) -> Learnt:
        """What this dataset's training found; raises what it raised. Begins the next one before it waits."""
        while self._waiting and (dataset not in self._begun or len(self._begun) < AT_ONCE):
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
        return self._pool.submit(learn, panels, windows, asked, params, self._progress)

    def _progress(self, line: str) -> None:
        """Ends a training that nobody waits for any more: the run was stopped, or failed."""
        if self._left.is_set():
            raise SkyduckError("the run has ended")
        self._run.progress(line)
